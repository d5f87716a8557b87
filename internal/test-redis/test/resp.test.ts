import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { RespStream, wordsOf } from "../src/resp.ts";

/** The bytes of one value of RESP. */
const value: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(
      "+OK\r\n",
      "-ERR no\r\n",
      ":42\r\n",
      "$-1\r\n",
      "*-1\r\n",
      "_\r\n",
      "#t\r\n",
      ",1.5\r\n",
      "(12345678901234567890\r\n",
    ),
    fc.string().map((text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`),
    fc.string().map((text) => `=${Buffer.byteLength(text) + 4}\r\ntxt:${text}\r\n`),
    fc
      .tuple(fc.constantFrom("*", "~", ">"), fc.array(tie("value"), { maxLength: 4 }))
      .map(([type, all]) => `${type}${all.length}\r\n${all.join("")}`),
    fc
      .array(fc.tuple(tie("value"), tie("value")), { maxLength: 3 })
      .map((pairs) => `%${pairs.length}\r\n${pairs.flat().join("")}`),
    fc.tuple(tie("value"), tie("value"), tie("value")).map(([key, about, it]) => `|1\r\n${key}${about}${it}`),
  ),
})).value;

describe("a stream of RESP", () => {
  it("is cut into its values, whichever pieces it comes in", () => {
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 8 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (values, sizes) => {
          const bytes = Buffer.from(values.join(""));
          const stream = new RespStream();
          const taken: Buffer[] = [];
          for (let place = 0; place < bytes.length; ) {
            const size = sizes.next().value ?? 1;
            taken.push(...stream.take(bytes.subarray(place, place + size)));
            place += size;
          }
          expect(taken.map(String)).toEqual(values);
        },
      ),
    );
  });

  it("gives the words of commands", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }), { minLength: 1 }), (words) => {
        const text = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("");
        expect(wordsOf(Buffer.from(`*${words.length}\r\n${text}`))).toEqual(words);
      }),
    );
  });

  it("takes commands as people type them, and refuses invalid lengths", () => {
    const [line] = new RespStream().take(Buffer.from("SET a  1\r\n"));
    expect(wordsOf(line ?? Buffer.alloc(0))).toEqual(["SET", "a", "1"]);
    for (const bad of ["$x\r\n", "*-2\r\n", "%1.5\r\n", "$\r\n"]) {
      expect(() => new RespStream().take(Buffer.from(bad))).toThrow("Invalid length");
    }
  });
});
