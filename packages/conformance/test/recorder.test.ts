import { MemoryError } from "@deep-agent/core";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { describe, expect, it } from "@jest/globals";
import { type KitRecord, recordsFrom } from "../src/kit-records.ts";
import { Recorder, recorded } from "../src/recorder.ts";
import type { AnyBackend } from "../src/target.ts";

function recording(changes: Partial<AnyBackend> = {}): { recorder: Recorder; backend: AnyBackend } {
  const recorder = new Recorder();
  const backend = Object.assign(new InMemoryBackend<KitRecord>(), changes);
  return { recorder, backend: recorded(backend, recorder) };
}

describe("the calls of a test are recorded as a program that repeats them", () => {
  it("with the arguments and the answer of each", async () => {
    const { recorder, backend } = recording();
    await backend.save("m", recordsFrom(0, 2));
    await backend.load("m", { signal: undefined });
    await backend.load("absent");
    expect(recorder.lines).toEqual([
      "await backend.save('m', [ { n: 0 }, { n: 1 } ]); // undefined",
      "await backend.load('m', { signal: undefined }); // [ { n: 0 }, { n: 1 } ]",
      "await backend.load('absent'); // null",
    ]);
  });

  it("with the code or the error of a failed call", async () => {
    const { recorder, backend } = recording({
      delete: () => Promise.reject(new Error("connection lost")),
      list: () => {
        throw new MemoryError("CLOSED", "It was closed.");
      },
    });
    await expect(backend.load("")).rejects.toMatchObject({ code: "INVALID_MEMORY_ID" });
    await expect(backend.delete("m")).rejects.toThrow("connection lost");
    expect(() => backend.list()).toThrow("It was closed.");
    expect(recorder.lines).toEqual([
      "await backend.load(''); // rejects: INVALID_MEMORY_ID",
      "await backend.delete('m'); // rejects: Error: connection lost",
      "await backend.list(); // rejects: CLOSED",
    ]);
  });

  it("with the arguments as they were at the call, whatever happens to them later", async () => {
    const { recorder, backend } = recording();
    const records = recordsFrom(0);
    const saved = backend.save("m", records);
    records.push(...recordsFrom(1));
    await saved;
    expect(recorder.lines).toEqual(["await backend.save('m', [ { n: 0 } ]); // undefined"]);
  });

  it("with a note for a call that has not settled", async () => {
    const { recorder, backend } = recording({ list: () => new Promise(() => undefined) });
    void backend.list();
    await backend.load("m");
    expect(recorder.lines).toEqual(["await backend.list(); // not settled", "await backend.load('m'); // null"]);
  });

  it("in one line each, however large the arguments are", async () => {
    const { recorder, backend } = recording();
    await backend.save("x".repeat(1_000), [...recordsFrom(0, 10_000), { text: "line\n".repeat(10_000) }]);
    expect(recorder.lines).toHaveLength(1);
    expect(recorder.lines[0]?.length).toBeLessThan(400);
    expect(recorder.lines[0]).not.toContain("\n");
  });

  it("with a name for each instance, and for methods that are symbols", async () => {
    const recorder = new Recorder();
    const backend = recorded(new InMemoryBackend<KitRecord>(), recorder, "backend2") as AnyBackend & AsyncDisposable;
    await backend[Symbol.asyncDispose]();
    expect(recorder.lines).toEqual(["await backend2[Symbol.asyncDispose](); // undefined"]);
  });

  it("if they are many, the first 12 and the last 24", async () => {
    const { recorder, backend } = recording();
    for (let n = 0; n < 36; n++) await backend.load(`m${n}`);
    expect(recorder.lines).toHaveLength(36);
    for (let n = 36; n < 100; n++) await backend.load(`m${n}`);
    expect(recorder.lines).toHaveLength(37);
    expect(recorder.lines.slice(11, 14)).toEqual([
      "await backend.load('m11'); // null",
      "// … and 64 more calls",
      "await backend.load('m76'); // null",
    ]);
    expect(recorder.lines.at(-1)).toBe("await backend.load('m99'); // null");
  });

  it("without the calls before it was cleared", async () => {
    const { recorder, backend } = recording();
    for (let n = 0; n < 100; n++) await backend.load(`m${n}`);
    recorder.clear();
    await backend.load("m");
    expect(recorder.lines).toEqual(["await backend.load('m'); // null"]);
  });

  it("with remarks after the calls", async () => {
    const { recorder, backend } = recording();
    recorder.remark("closing also failed");
    await backend.load("m");
    expect(recorder.lines).toEqual(["await backend.load('m'); // null", "// closing also failed"]);
  });
});

describe("a recorded backend behaves like the backend itself", () => {
  it("with its own answers, errors and promises", async () => {
    const answer = Promise.resolve([]);
    const { backend } = recording({ list: () => answer });
    expect(backend.list()).toBe(answer);
    await backend.save("m", recordsFrom(0));
    expect(await backend.load("m")).toEqual(recordsFrom(0));
  });

  it("with its own members, and no others", () => {
    const { backend } = recording({ list: undefined as never });
    expect(Reflect.get(backend, "list")).toBeUndefined();
    expect(Reflect.get(backend, "invented")).toBeUndefined();
    expect(typeof Reflect.get(backend, "append")).toBe("function");
    expect(backend.load).toBe(backend.load);
  });

  it("even if it is frozen", async () => {
    const inner = new InMemoryBackend<KitRecord>();
    const frozen = Object.freeze({
      load: (id: string) => inner.load(id),
      save: (id: string, records: readonly object[]) => inner.save(id, records as KitRecord[]),
      delete: (id: string) => inner.delete(id),
      list: () => inner.list(),
    });
    const recorder = new Recorder();
    const backend = recorded(frozen, recorder);
    await backend.save("m", recordsFrom(0));
    expect(await backend.load("m")).toEqual(recordsFrom(0));
    expect("load" in backend).toBe(true);
    expect("append" in backend).toBe(false);
    expect(recorder.lines).toHaveLength(2);
  });
});
