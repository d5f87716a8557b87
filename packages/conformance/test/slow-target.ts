import { jest } from "@jest/globals";
import type { ConformanceTarget } from "../src/index.ts";
import { type Mutation, targetOf } from "./mutants/mutant.ts";

/**
 * A backend that takes ten seconds for a call, except for calls of the first `fastMemories` memories. Only the mocked
 * clock of `performance` advances.
 */
export function slowTarget(fastMemories: number, onCall?: (id: string) => void): ConformanceTarget {
  let now = 0;
  jest.spyOn(performance, "now").mockImplementation(() => now);
  const pass = (id: string): void => {
    onCall?.(id);
    if (Number(id.slice(1)) >= fastMemories) now += 10_000;
  };
  const slow: Mutation = (honest) => ({
    async load(id, ...more) {
      pass(id);
      return honest.load(id, ...more);
    },
    async save(id, ...more) {
      pass(id);
      await honest.save(id, ...more);
    },
    async append(id, ...more) {
      pass(id);
      return honest.append(id, ...more);
    },
    async delete(id, ...more) {
      pass(id);
      await honest.delete(id, ...more);
    },
    async read(id, ...more) {
      pass(id);
      return honest.read(id, ...more);
    },
  });
  return targetOf("slow", slow);
}
