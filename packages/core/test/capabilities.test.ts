import { describe, expect, it } from "@jest/globals";
import { expectTypeOf } from "expect-type";
import {
  type AppendOptions,
  type CatalogueCapability,
  capabilityMethods,
  type ExpiryCapability,
  type HealthCapability,
  type InfoCapability,
  type LifecycleCapability,
  type LogCapability,
} from "../src/adapter.ts";
import { type Capability, type MemoryBackend, type Message, type Revision, supports } from "../src/index.ts";

interface Note {
  n: number;
}

const four: MemoryBackend<Note> = {
  load: async () => null,
  save: async () => {},
  delete: async () => {},
  list: async () => [],
};

const names: Capability[] = ["log", "health", "lifecycle", "info", "catalogue", "expiry"];

describe("a backend declares what it can do by having the methods", () => {
  it.each(names)("four methods alone are not %s", (capability) => {
    expect(supports(four, capability)).toBe(false);
  });

  it.each(names)("all methods of %s, and no others, declare it and nothing else", (capability) => {
    const methods = Object.fromEntries(capabilityMethods[capability].map((method) => [method, async () => {}]));
    const backend = { ...four, ...methods };
    expect(names.filter((name) => supports(backend, name))).toEqual([capability]);
  });

  it.each(names)("a part of %s does not, nor does a field that is not a function", (capability) => {
    for (const missing of capabilityMethods[capability]) {
      const present = capabilityMethods[capability].filter((method) => method !== missing);
      const backend = Object.fromEntries(present.map((method) => [method, async () => {}]));
      expect(supports({ ...four, ...backend }, capability)).toBe(false);
      expect(supports({ ...four, ...backend, [missing]: true }, capability)).toBe(false);
      expect(supports({ ...four, ...backend, [missing]: undefined }, capability)).toBe(false);
    }
  });

  it("methods of a class and of its parents count", () => {
    class Parent {
      async ping(): Promise<{ latencyMs: number }> {
        return { latencyMs: 1 };
      }
    }
    class Child extends Parent implements MemoryBackend<Note> {
      load = four.load;
      save = four.save;
      delete = four.delete;
      list = four.list;
    }
    expect(supports(new Child(), "health")).toBe(true);
  });

  it("the methods are those of the contract", () => {
    expect(names.toSorted()).toEqual(Object.keys(capabilityMethods).toSorted());
    expect(capabilityMethods.log).toEqual(["append", "read"]);
    expect(capabilityMethods.lifecycle).toEqual(["close", Symbol.asyncDispose]);
  });
});

describe("supports narrows the type", () => {
  it("to the backend with that capability, of the same records", async () => {
    const backend: MemoryBackend<Note> = { ...four, ping: async () => ({ latencyMs: 2 }) } as MemoryBackend<Note>;
    // @ts-expect-error: not known to have it
    expectTypeOf(backend.ping);
    let latency = 0;
    if (supports(backend, "health")) {
      expectTypeOf(backend).toEqualTypeOf<MemoryBackend<Note> & HealthCapability>();
      latency = (await backend.ping()).latencyMs;
    }
    expect(latency).toBe(2);
    if (supports(backend, "log")) {
      expectTypeOf(backend).toExtend<LogCapability<Note>>();
      expectTypeOf(backend.append).parameter(1).toEqualTypeOf<readonly Note[]>();
      expectTypeOf(backend.append).parameter(2).toEqualTypeOf<AppendOptions | undefined>();
      expectTypeOf(backend.append).returns.resolves.toEqualTypeOf<Revision>();
    }
    if (supports(backend, "lifecycle")) expectTypeOf(backend).toExtend<LifecycleCapability>();
    if (supports(backend, "info")) expectTypeOf(backend).toExtend<InfoCapability>();
    if (supports(backend, "catalogue")) expectTypeOf(backend).toExtend<CatalogueCapability>();
    if (supports(backend, "expiry")) expectTypeOf(backend).toExtend<ExpiryCapability>();
  });

  it("one after another, to all of them", () => {
    const backend: MemoryBackend = {
      load: async () => null,
      save: async () => {},
      delete: async () => {},
      list: async () => [],
    };
    expect(supports(backend, "log")).toBe(false);
    if (supports(backend, "log") && supports(backend, "info")) {
      expectTypeOf(backend).toExtend<LogCapability<Message> & InfoCapability>();
    }
  });

  it("and accepts no unknown capability", () => {
    // @ts-expect-error: no such capability
    expect(() => supports(four, "transactions")).toThrow(TypeError);
    expectTypeOf<Capability>().toEqualTypeOf<"log" | "health" | "lifecycle" | "info" | "catalogue" | "expiry">();
  });
});
