import { describe, expect, it } from "@jest/globals";
import { disposeAll } from "../src/dispose-all.ts";
import { startAll } from "../src/start-all.ts";

let disposed: string[];
const thing = (name: string, fails = false): AsyncDisposable => ({
  async [Symbol.asyncDispose]() {
    disposed.push(name);
    if (fails) throw new Error(`${name} fails`);
  },
});

describe("several things together", () => {
  it("are all disposed of even if some disposals fail, and the failures are thrown", async () => {
    disposed = [];
    const failure: AggregateError = await disposeAll([thing("a", true), thing("b"), thing("c", true)]).then(
      () => Promise.reject(new Error("It did not throw.")),
      (error) => error,
    );
    expect(disposed).toEqual(["a", "b", "c"]);
    expect(failure.errors.map(String)).toEqual(["Error: a fails", "Error: c fails"]);
  });

  it("exist only if all of them start", async () => {
    disposed = [];
    const late = new Promise<AsyncDisposable>((resolve) => setTimeout(resolve, 20, thing("late")));
    await expect(startAll([late, Promise.reject(new Error("no")), Promise.resolve(thing("b"))])).rejects.toThrow("no");
    expect(disposed.sort()).toEqual(["b", "late"]);
  });
});
