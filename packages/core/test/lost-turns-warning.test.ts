import diagnostics from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { Agent, type BackendEvent, Conversation, type MemoryBackend } from "../src/index.ts";
import { ID, turn } from "./support/conversations.ts";
import { plain, ReferenceLog } from "./support/reference-log.ts";
import { echoModel } from "./support/scripted-model.ts";

describe("a backend without `append` warns that two processes may lose turns", () => {
  let warnings: BackendEvent[] = [];
  const listener = (event: unknown): void => {
    if ((event as BackendEvent).type === "warning") warnings.push(event as BackendEvent);
  };

  beforeEach(() => {
    warnings = [];
    diagnostics.subscribe("deep-agent:backend", listener);
  });

  afterEach(() => {
    diagnostics.unsubscribe("deep-agent:backend", listener);
  });

  function named(): MemoryBackend {
    return { ...plain(new ReferenceLog()), name: "shelf" };
  }

  it("at its first append, and once, whatever conversations and agents use it", async () => {
    const backend = named();
    const conversation = new Conversation({ memoryId: ID, backend });
    await conversation.sync();
    expect(warnings).toEqual([]);
    await conversation.commit(turn("one"));
    expect(warnings).toEqual([
      {
        type: "warning",
        backend: "shelf",
        detail: expect.stringMatching(/two processes.*`append` by compare-and-set/),
      },
    ]);
    await conversation.commit(turn("two"));
    await new Conversation({ memoryId: "user-bob", backend }).commit(turn("three"));
    await new Agent({ model: echoModel(), backend, longMemory: "user-carol" }).ask("four");
    expect(warnings).toHaveLength(1);
  });

  it("once for each backend", async () => {
    for (const backend of [named(), named()]) await new Conversation({ memoryId: ID, backend }).commit(turn("one"));
    expect(warnings).toHaveLength(2);
  });

  it("once, even if two copies of the package are loaded", async () => {
    const backend = named();
    await new Conversation({ memoryId: ID, backend }).commit(turn("one"));
    await jest.isolateModulesAsync(async () => {
      const other = await import("../src/index.ts");
      expect(other.Conversation).not.toBe(Conversation);
      await new other.Conversation({ memoryId: ID, backend }).commit(turn("two"));
    });
    expect(warnings).toHaveLength(1);
  });

  it("to the first who listens", async () => {
    const backend = named();
    const conversation = new Conversation({ memoryId: ID, backend });
    diagnostics.unsubscribe("deep-agent:backend", listener);
    await conversation.commit(turn("one"));
    diagnostics.subscribe("deep-agent:backend", listener);
    await conversation.commit(turn("two"));
    expect(warnings).toHaveLength(1);
  });

  it("but not a backend with a log", async () => {
    await new Conversation({ memoryId: ID, backend: new ReferenceLog() }).commit(turn("one"));
    expect(warnings).toEqual([]);
  });
});
