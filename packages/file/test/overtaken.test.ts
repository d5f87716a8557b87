import { readFileSync, statSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { encodeAppend } from "../src/log-writing.ts";
import { another, newBackend, notes, pathOf } from "./support/backends.ts";

const ID = "user-alice";
const KB = 1024;

afterEach(() => {
  jest.restoreAllMocks();
});

describe("a large turn that is overtaken while it is encoded", () => {
  it("is not written in vain, because it would stay in the file", async () => {
    const backend = newBackend();
    await backend.append(ID, notes(0, 1));
    const path = pathOf(backend, `${ID}.1.jsonl`);
    const now = performance.now.bind(performance);
    let looks = 0;
    // The clock is read when a try begins and when its line is encoded. Nothing else runs between that and the write.
    jest.spyOn(performance, "now").mockImplementation(() => {
      looks += 1;
      if (looks === 2)
        writeFileSync(path, encodeAppend(ID, "other", ['{"n":1}'], statSync(path).size).bytes, { flag: "a" });
      return now();
    });
    const text = `the canary ${"x".repeat(100 * KB)}`;
    await backend.append(ID, [{ n: 2, text }]);
    expect(looks).toBeGreaterThan(3);
    expect(await another(backend).load(ID)).toEqual([...notes(0, 2), { n: 2, text }]);
    expect(readFileSync(path, "utf8").split("the canary")).toHaveLength(2);
  });
});
