import { type Agent, Conversation, type MemoryBackend, type Message } from "@deep-agent/core";
import type {
  CatalogueCapability,
  ExpiryCapability,
  HealthCapability,
  InfoCapability,
  LifecycleCapability,
  LogCapability,
} from "@deep-agent/core/adapter";
import { FileBackend } from "@deep-agent/file";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { KeyvBackend } from "@deep-agent/keyv";
import { RedisBackend } from "@deep-agent/redis";
import { describe, it } from "@jest/globals";
import { expectTypeOf } from "expect-type";
import {
  type FallbackControls,
  type SameCapabilities,
  withEncryption,
  withFallback,
  withPrefix,
  withRedaction,
  withRetention,
  withRetry,
  withTimeout,
} from "../src/index.ts";
import { KEY } from "./support/keys.ts";
import type { Note } from "./support/stores.ts";

const KEYS = { keys: { "2026": KEY }, current: "2026" };

type Whole<T extends object> = MemoryBackend<T> &
  LogCapability<T> &
  HealthCapability &
  LifecycleCapability &
  InfoCapability &
  CatalogueCapability &
  ExpiryCapability;

// Nothing here makes a call. The point is that it compiles, and with which types.

describe("a backend that is made in place", () => {
  it("holds messages in every layer, for an agent", () => {
    const using = [
      (ai: Agent) => ai.usingBackend(withTimeout(new InMemoryBackend(), 100)),
      (ai: Agent) => ai.usingBackend(withRetry(new InMemoryBackend())),
      (ai: Agent) => ai.usingBackend(withPrefix(new InMemoryBackend(), "acme")),
      (ai: Agent) => ai.usingBackend(withRetention(new InMemoryBackend(), { maxRecords: 100 })),
      (ai: Agent) => ai.usingBackend(withEncryption(new InMemoryBackend(), KEYS)),
      (ai: Agent) => ai.usingBackend(withRedaction(new InMemoryBackend(), (message) => message)),
      (ai: Agent) => ai.usingBackend(withFallback(new InMemoryBackend(), new InMemoryBackend())),
      (ai: Agent) => ai.usingBackend(withFallback(new RedisBackend("h:1"), new FileBackend("d"))),
      (ai: Agent) => ai.usingBackend(withTimeout(new KeyvBackend({ store: new Map() }), 100)),
    ];
    expectTypeOf(using).items.returns.toEqualTypeOf<Agent>();
  });

  it("holds messages without an agent, too", () => {
    expectTypeOf(withTimeout(new InMemoryBackend(), 100)).toEqualTypeOf<SameCapabilities<InMemoryBackend<Message>>>();
    expectTypeOf(withTimeout(new InMemoryBackend(), 100)).toExtend<Whole<Message>>();
    expectTypeOf(withRetry(new InMemoryBackend())).toExtend<Whole<Message>>();
    expectTypeOf(withPrefix(new InMemoryBackend(), "acme")).toExtend<Whole<Message>>();
    expectTypeOf(withRetention(new InMemoryBackend(), { maxRecords: 100 })).toExtend<Whole<Message>>();
    expectTypeOf(withEncryption(new InMemoryBackend(), KEYS)).toExtend<Whole<Message>>();
    expectTypeOf(withRedaction(new InMemoryBackend(), (message) => message)).toExtend<Whole<Message>>();
    const fallback = () => withFallback(new InMemoryBackend(), new InMemoryBackend());
    expectTypeOf(fallback).returns.toExtend<Whole<Message> & FallbackControls>();
    expectTypeOf(fallback).returns.not.toExtend<MemoryBackend<Note>>();
  });

  it("fits a conversation", () => {
    const made = (memoryId: string) => new Conversation({ memoryId, backend: withTimeout(new FileBackend("d"), 100) });
    expectTypeOf(made).returns.toEqualTypeOf<Conversation>();
  });

  it("fits the whole stack of the README, in the README's order", () => {
    const stack = (ai: Agent) =>
      ai.usingBackend(
        withRedaction(
          withRetention(
            withPrefix(
              withFallback(
                withEncryption(withRetry(withTimeout(new RedisBackend("localhost:6379"), 2_000)), KEYS),
                withEncryption(withRetry(withTimeout(new FileBackend("./while-redis-is-away"), 2_000)), KEYS),
                { probeMs: 500 },
              ),
              "acme",
            ),
            { maxRecords: 1_000 },
          ),
          (message) => {
            expectTypeOf(message).toEqualTypeOf<Message>();
            return typeof message.content === "string"
              ? { ...message, content: message.content.replaceAll(/\b\d{13,19}\b/g, "[number]") }
              : message;
          },
        ),
      );
    const example = (ai: Agent) =>
      ai.usingBackend(
        withPrefix(
          withFallback(
            withEncryption(new RedisBackend("localhost:6379"), KEYS),
            withEncryption(new FileBackend("./while-redis-is-away"), KEYS),
          ),
          "acme",
        ),
      );
    expectTypeOf(stack).returns.toEqualTypeOf<Agent>();
    expectTypeOf(example).returns.toEqualTypeOf<Agent>();
  });

  it("takes the record type that its place expects", () => {
    const made = (): MemoryBackend<Note> => withTimeout(new InMemoryBackend(), 100);
    const nested = (): MemoryBackend<Note> => withPrefix(withRetry(new FileBackend("d")), "acme");
    expectTypeOf(made).returns.toEqualTypeOf<MemoryBackend<Note>>();
    expectTypeOf(nested).returns.toEqualTypeOf<MemoryBackend<Note>>();
  });
});

describe("a layer keeps the types of the backend below it", () => {
  it("records of another type", () => {
    expectTypeOf(withTimeout(new InMemoryBackend<Note>(), 100)).toExtend<Whole<Note>>();
    expectTypeOf(withTimeout(new InMemoryBackend<Note>(), 100)).not.toExtend<MemoryBackend>();
    expectTypeOf(withRetry(new InMemoryBackend<Note>())).toExtend<Whole<Note>>();
    expectTypeOf(withPrefix(new InMemoryBackend<Note>(), "acme")).toExtend<Whole<Note>>();
    expectTypeOf(withRetention(new InMemoryBackend<Note>(), { maxRecords: 100 })).toExtend<Whole<Note>>();
    expectTypeOf(withEncryption(new InMemoryBackend<Note>(), KEYS)).toExtend<Whole<Note>>();
    const fallback = () => withFallback(new InMemoryBackend<Note>(), new FileBackend("d"));
    expectTypeOf(fallback).returns.toExtend<Whole<Note>>();
  });

  it("records of a type that is not known yet", () => {
    function inTime<T extends object>(backend: MemoryBackend<T>): MemoryBackend<T> {
      return withTimeout(withPrefix(backend, "acme"), 100);
    }
    function steady<T extends object>(backend: MemoryBackend<T> & LogCapability<T>): MemoryBackend<T> {
      return withFallback(backend, new FileBackend("d"));
    }
    expectTypeOf(inTime(new InMemoryBackend<Note>())).toEqualTypeOf<MemoryBackend<Note>>();
    expectTypeOf(steady<Note>).returns.toEqualTypeOf<MemoryBackend<Note>>();
  });

  it("the records that a redaction gets and returns", () => {
    const discreet = withRedaction(new InMemoryBackend<Note>(), (note) => {
      expectTypeOf(note).toEqualTypeOf<Note>();
      return { ...note, n: 0 };
    });
    expectTypeOf(discreet).toExtend<Whole<Note>>();
    expectTypeOf(withRedaction<InMemoryBackend<Note>>)
      .parameter(1)
      .toEqualTypeOf<(record: Note) => Note | Promise<Note>>();
    expectTypeOf(withRedaction<InMemoryBackend>)
      .parameter(1)
      .parameter(0)
      .toEqualTypeOf<Message>();
  });

  it("the capabilities, and no others", () => {
    type OfFour = SameCapabilities<MemoryBackend<Note>>;
    expectTypeOf<keyof OfFour>().toEqualTypeOf<"name" | "load" | "save" | "delete" | "list">();
    expectTypeOf(withTimeout<MemoryBackend<Note>>).returns.toEqualTypeOf<OfFour>();
    expectTypeOf(withPrefix<MemoryBackend<Note>>).returns.not.toHaveProperty("append");
    expectTypeOf(withEncryption<KeyvBackend>).returns.not.toHaveProperty("append");
    expectTypeOf(withEncryption<KeyvBackend>).returns.toExtend<MemoryBackend & LifecycleCapability>();
    expectTypeOf(withRetry<RedisBackend>).returns.toHaveProperty("append");
    expectTypeOf(withRetry<RedisBackend>).returns.not.toHaveProperty("withPrefix");
  });

  it("a fallback needs a log on both sides", () => {
    type Primary = Parameters<typeof withFallback>[0];
    type Secondary = Parameters<typeof withFallback>[1];
    expectTypeOf<FileBackend>().toExtend<Primary>();
    expectTypeOf<FileBackend<Note>>().toExtend<Secondary>();
    expectTypeOf<MemoryBackend>().not.toExtend<Primary>();
    expectTypeOf<KeyvBackend>().not.toExtend<Primary>();
    expectTypeOf<KeyvBackend<object>>().not.toExtend<Secondary>();
    expectTypeOf<SameCapabilities<KeyvBackend>>().not.toExtend<Secondary>();
  });

  it("a layer takes backends only", () => {
    type Any = Parameters<typeof withTimeout>[0];
    expectTypeOf<MemoryBackend<Note>>().toExtend<Any>();
    expectTypeOf<Map<string, Message[]>>().not.toExtend<Any>();
    expectTypeOf<Omit<MemoryBackend, "list">>().not.toExtend<Any>();
    expectTypeOf<Omit<MemoryBackend, "load"> & { load(): Promise<string> }>().not.toExtend<Any>();
  });
});
