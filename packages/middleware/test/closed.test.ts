import type { Message } from "@deep-agent/core";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { describe, expect, it } from "@jest/globals";
import { expectTypeOf } from "expect-type";
import {
  withEncryption,
  withFallback,
  withPrefix,
  withRedaction,
  withRetention,
  withRetry,
  withTimeout,
} from "../src/index.ts";
import { ID_KEY, KEY } from "./support/keys.ts";

const DETONATE = Symbol("detonate");

/** A backend with methods that layers do not know: an invented one, and one that a later contract may have. */
class Exploding<T extends object = Message> extends InMemoryBackend<T> {
  override readonly name = "exploding";
  readonly forks = async (): Promise<string> => "forked";

  async explode(): Promise<void> {}

  async updateMetadata(_memoryId: string, _patch: object): Promise<void> {}

  async [DETONATE](): Promise<void> {}
}

const KEYS = { keys: { "2026": KEY }, current: "2026" };

/** Each layer, around stores that the same function makes. */
function layersOn<T extends Exploding>(store: () => T) {
  return {
    withTimeout: withTimeout(store(), 1_000),
    withRetry: withRetry(store()),
    withPrefix: withPrefix(store(), "acme"),
    withRedaction: withRedaction(store(), (message) => message),
    withRetention: withRetention(store(), { maxRecords: 100 }),
    withEncryption: withEncryption(store(), KEYS),
    "withEncryption, of ids too": withEncryption(store(), { ...KEYS, idKey: ID_KEY }),
    withFallback: withFallback(store(), store()),
  };
}

const layers = layersOn(() => new Exploding());
const names = Object.keys(layers) as (keyof typeof layers)[];

/** Deliberately a second list: letting a layer pass on a new method is a decision. */
const known: PropertyKey[] = ["load", "save", "delete", "list", "append", "read", "ping", "close", "info", "recent"];
known.push("touch", "name", Symbol.asyncDispose);

const controls = ["status", "replay", "discard"];

describe("a layer is closed by default", () => {
  it.each(names)("%s has no method that it does not know", (name) => {
    const present = Reflect.ownKeys(layers[name]);
    expect(new Set(present)).toEqual(new Set(name === "withFallback" ? [...known, ...controls] : known));
    for (const method of ["explode", "updateMetadata", "forks", DETONATE]) expect(method in layers[name]).toBe(false);
  });

  it("has no such method in its type either", () => {
    type Absent = "explode" | "updateMetadata" | "forks" | typeof DETONATE | "withTtl" | "withTTL" | "withMaxMemories";
    type Layers = typeof layers;
    expectTypeOf<Extract<keyof Exploding, Absent>>().not.toBeNever();
    expectTypeOf<Extract<keyof Layers["withTimeout"], Absent>>().toBeNever();
    expectTypeOf<Extract<keyof Layers["withRetry"], Absent>>().toBeNever();
    expectTypeOf<Extract<keyof Layers["withPrefix"], Absent>>().toBeNever();
    expectTypeOf<Extract<keyof Layers["withRedaction"], Absent>>().toBeNever();
    expectTypeOf<Extract<keyof Layers["withRetention"], Absent>>().toBeNever();
    expectTypeOf<Extract<keyof Layers["withEncryption"], Absent>>().toBeNever();
    expectTypeOf<Extract<keyof Layers["withFallback"], Absent>>().toBeNever();
  });

  it.each(names)("%s has the name of its store", (name) => {
    expect(layers[name].name).toBe("exploding");
    expectTypeOf(layers[name].name).toBeString();
  });

  it.each(names)("%s has a name only if its store has one", (name) => {
    class Nameless extends Exploding {
      override readonly name = undefined as unknown as "exploding";
    }
    expect("name" in layersOn(() => new Nameless())[name]).toBe(false);
  });
});
