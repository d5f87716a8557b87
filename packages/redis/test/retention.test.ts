import type { Revision } from "@deep-agent/core";
import { newId } from "@deep-agent/core/adapter";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { notes, useServer } from "./support/backends.ts";

const redis = useServer();

describe("retention removes the oldest whole entries, and nothing else", () => {
  /** Text that would break a count of objects that ignores strings. */
  const awkward = fc.string({
    unit: fc.constantFrom("{", "}", "[", "]", '"', "\\", ",", "é", "\n", "\ud83d\ude00", "x"),
  });

  it("for any turns, and revisions stay valid", async () => {
    expect.hasAssertions();
    const turns = fc.array(
      fc.array(fc.record({ text: awkward, more: fc.array(fc.array(awkward), { maxLength: 2 }) }), {
        minLength: 1,
        maxLength: 4,
      }),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(turns, fc.integer({ min: 1, max: 9 }), async (turns, maxRecords) => {
        const id = newId();
        await using backend = redis.open<object>({ maxRecords });
        let kept: object[][] = [];
        let revision: Revision | null = null;
        for (const turn of turns) {
          const before: Revision | null = revision;
          revision = await backend.append(id, turn, { since: before });
          kept.push(turn);
          while (kept.length > 1 && kept.flat().length > maxRecords) kept = kept.slice(1);
          expect(await backend.load(id)).toEqual(kept.flat());
          expect((await backend.info(id))?.records).toBe(kept.flat().length);
          // A repeated operation is found as long as its entry exists.
          const news = before === null ? undefined : await backend.read(id, { since: before });
          if (news !== undefined) expect(news).toMatchObject({ revision, regressed: false });
          if (news !== undefined && kept.length > 1) expect(news).toMatchObject({ records: turn, reset: false });
        }
      }),
      { numRuns: 60 },
    );
  });

  it("also those of a save", async () => {
    const backend = redis.open({ maxRecords: 3 });
    await backend.save("a", notes(0, 5));
    expect(await backend.load("a")).toEqual(notes(2, 3));
    const { revision } = (await backend.read("a")) ?? { revision: "" };
    await backend.append("a", notes(5, 2), { since: revision });
    expect(await backend.load("a")).toEqual(notes(4, 3));
    expect(await backend.read("a", { since: revision })).toMatchObject({ records: notes(5, 2), reset: false });
    await backend.append("a", notes(7, 4));
    expect(await backend.load("a")).toEqual(notes(7, 4));
    expect(await backend.read("a", { since: revision })).toMatchObject({
      records: notes(7, 4),
      reset: true,
      regressed: false,
    });
    await expect(backend.append("a", notes(11, 1), { since: revision })).rejects.toMatchObject({ code: "CONFLICT" });
  });
});
