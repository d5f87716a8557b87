import { cp, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { inspect } from "node:util";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "@jest/globals";
import { expectTypeOf } from "expect-type";
import fc from "fast-check";
import { cleanCause } from "../src/adapter.ts";
import { assistant, MemoryError, type MemoryErrorCode, type Reply } from "../src/index.ts";
import { Application, builtCore } from "./support/application.ts";

const SECRET = "Canary-5ecret";

describe("an error says what failed and what to do", () => {
  it("in its message and in its fields", () => {
    const cause = new Error("ECONNREFUSED");
    const details = {
      outcome: "unknown",
      retryable: true,
      backend: "redis",
      memoryId: "alice",
      hint: "Start it.",
    } as const;
    const error = new MemoryError("UNAVAILABLE", "Redis did not answer.", { ...details, cause });
    expect(error.message).toBe("Redis did not answer. Start it.");
    expect({ ...error }).toEqual({ name: "MemoryError", code: "UNAVAILABLE", ...details });
    expect(error.cause).toBe(cause);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toBe("MemoryError: Redis did not answer. Start it.");
  });

  it("and absent details are absent properties", () => {
    const error = new MemoryError("CLOSED", "Closed.");
    expect({ ...error }).toEqual({ name: "MemoryError", code: "CLOSED", outcome: "not-applied", retryable: false });
    for (const field of ["backend", "memoryId", "hint", "reply", "cause"]) expect(field in error).toBe(false);
  });
});

describe("the reply of a failed save is on the error, but is not printed", () => {
  const reply: Reply = {
    ...{ text: SECRET, reasoning: SECRET, toolCalls: [], finishReason: "stop", usage: null },
    message: assistant(SECRET, { reasoning: SECRET }),
  };
  const error = new MemoryError("SAVE_FAILED", "The turn was not saved.", { reply, cause: new Error("disk full") });

  it("by name only", () => {
    expect(error.reply).toBe(reply);
  });

  it("not by inspect, JSON, a spread or the stack", () => {
    const shown = [
      inspect(error),
      inspect({ error }, { depth: 10 }),
      JSON.stringify(error),
      JSON.stringify({ ...error }),
      error.stack,
    ];
    for (const text of shown) expect(text).not.toContain(SECRET);
    expect(inspect(error)).toContain("disk full");
  });
});

describe("MemoryError.is recognises the error, whichever copy of the package made it", () => {
  it("and its code", () => {
    const error: unknown = new MemoryError("CONFLICT", "x");
    expect(MemoryError.is(error)).toBe(true);
    expect(MemoryError.is(error, "CONFLICT")).toBe(true);
    expect(MemoryError.is(error, "CLOSED")).toBe(false);
    expectTypeOf(MemoryError.is).guards.toEqualTypeOf<MemoryError>();
  });

  it.each([undefined, null, "MemoryError", 7, {}, new Error("x"), { name: "MemoryError", code: "CONFLICT" }, () => 1])(
    "and nothing else: %p",
    (other) => {
      expect(MemoryError.is(other)).toBe(false);
    },
  );

  it("in one program with the ES module, the CommonJS module and a second install of it", async () => {
    const app = await Application.create();
    try {
      await cp(dirname(builtCore("cjs")), join(app.folder, "second"), { recursive: true });
      const { dependencies } = JSON.parse(await readFile("package.json", "utf8"));
      for (const name of Object.keys(dependencies)) {
        await app.install(name, { "package.json": {}, "index.js": "" });
      }
      await app.write({
        "main.mjs": `import { createRequire } from "node:module";
          const require = createRequire(import.meta.url);
          const copies = [await import(${JSON.stringify(builtCore("esm"))}), require(${JSON.stringify(builtCore("cjs"))}), require("./second/index.cjs")];
          const rows = copies.map(({ MemoryError }) => {
            const error = new MemoryError("CONFLICT", "x");
            return copies.map((other) => [other.MemoryError.is(error, "CONFLICT"), other.MemoryError.is(error, "CLOSED"), error instanceof other.MemoryError]);
          });
          process.stdout.write(JSON.stringify(rows));`,
      });
      const rows: [boolean, boolean, boolean][][] = JSON.parse(await app.run(`${app.folder}/main.mjs`));
      expect(rows).toHaveLength(3);
      rows.forEach((row, made) => {
        // They really are three classes.
        expect(row).toEqual(row.map((_, asked) => [true, false, asked === made]));
      });
    } finally {
      await app.remove();
    }
  });
});

describe("a cleaned cause says what went wrong and drops what a client attaches to its errors", () => {
  /** An error as node-redis, ioredis and fetch make them. */
  function foreignError(): Error {
    const error = Object.assign(new TypeError("WRONGTYPE Operation against a key"), {
      code: "WRONGTYPE",
      errno: -111,
      command: { name: "rpush", args: ["key", SECRET] },
      input: `redis://:${SECRET}@host`,
      [Symbol("config")]: SECRET,
      cause: new Error(SECRET),
    });
    Object.defineProperty(error, "hidden", { value: SECRET, enumerable: false });
    return error;
  }

  it("it keeps name, message, code and stack", () => {
    const error = foreignError();
    const clean = cleanCause(error);
    expect(clean).toMatchObject({ name: "TypeError", message: error.message, code: "WRONGTYPE" });
    expect(Reflect.ownKeys(clean).sort()).toEqual(["code", "message", "name", "stack"]);
    expect(clean.stack).toBe(error.stack);
    expect(inspect(clean, { depth: 10, showHidden: true })).not.toContain(SECRET);
    // A copy: the client's own error does not change.
    expect(error).toHaveProperty("command");
  });

  it("it redacts the message, in the stack too", () => {
    const error = new Error(`Cannot reach redis://:${SECRET}@host\nand\n    at ${SECRET} (really)`);
    const clean = cleanCause(error, (message) => message.replaceAll(SECRET, "***"));
    expect(clean.message).toContain("redis://:***@host");
    expect(clean.stack).not.toContain(SECRET);
    expect(clean.stack).toContain("memory-error.test.ts");
  });

  it("it leaves out a stack that was made with another message", () => {
    const error = new Error(`was ${SECRET}\n    at ${SECRET}`);
    // V8 makes the stack immediately, jest only when it is read.
    expect(error.stack).toContain(SECRET);
    error.message = "is harmless";
    expect(cleanCause(error).stack).toBe("Error: is harmless");
  });

  it("it recognises an error of another realm, as Node's own are in jest", () => {
    const foreign = runInNewContext("Object.assign(new RangeError('too far'), { code: 'EFAR', extra: 1 })");
    expect(foreign).not.toBeInstanceOf(Error);
    expect(cleanCause(foreign)).toMatchObject({ name: "RangeError", message: "too far", code: "EFAR" });
    expect(cleanCause(foreign)).not.toHaveProperty("extra");
  });

  it("it returns a MemoryError unchanged", () => {
    const error = new MemoryError("CONFLICT", "x");
    expect(cleanCause(error)).toBe(error);
  });

  it("it makes an error of any other value", () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true }), (thrown) => {
        expect(cleanCause(thrown)).toBeInstanceOf(Error);
      }),
    );
    expect(cleanCause(`text with ${SECRET}`, (text) => text.replaceAll(SECRET, "***")).message).toBe("text with ***");
    expect(inspect(cleanCause({ password: SECRET, toString: () => SECRET }))).not.toContain(SECRET);
  });

  it("it does not need a stack", () => {
    const bare = Object.assign(new Error("x"), { stack: undefined });
    expect(cleanCause(bare).stack).toBe("Error: x");
  });
});

describe("the codes are those of the documentation", () => {
  it("and no other can be made", () => {
    expectTypeOf<MemoryErrorCode>().toEqualTypeOf<
      | "INVALID_MEMORY_ID"
      | "INVALID_RECORD"
      | "INVALID_ARGUMENT"
      | "INVALID_CONFIG"
      | "RECORD_TOO_LARGE"
      | "UNAVAILABLE"
      | "UNAUTHORIZED"
      | "CAPACITY"
      | "CORRUPT"
      | "CONFLICT"
      | "DURABILITY"
      | "DECRYPT"
      | "CLOSED"
      | "NOT_SUPPORTED"
      | "BACKEND_REQUIRED"
      | "MEMORY_ID_REQUIRED"
      | "SAVE_FAILED"
      | "TOOL_ROUNDS_EXCEEDED"
      | "INVALID_ANSWER"
    >();
    expectTypeOf<MemoryError["backend"]>().toEqualTypeOf<string | undefined>();
  });
});
