import { describe, expect, it } from "@jest/globals";
import { Agent, type AgentOptions } from "../src/index.ts";
import { contents, ID } from "./support/agents.ts";
import { ReferenceLog } from "./support/reference-log.ts";
import { echoModel } from "./support/scripted-model.ts";

function withBackend(options: Partial<AgentOptions> = {}) {
  const model = echoModel();
  const store = new ReferenceLog();
  return { model, store, agent: new Agent({ model, backend: store, ...options }) };
}

describe("a backend without a memory id is refused instead of storing nothing", () => {
  it.each([
    ["", {}],
    [" with short memory, too", { shortMemory: true }],
    [" even if `stateless` is false", { stateless: false }],
  ])("before anything is called%s", async (_also, options) => {
    const { model, store, agent } = withBackend(options);
    await expect(agent.ask("hello")).rejects.toMatchObject({
      code: "MEMORY_ID_REQUIRED",
      outcome: "not-applied",
      hint: expect.stringMatching(/withLongMemory\(id\).*stateless: true/),
    });
    const stream = agent.stream("hello");
    await expect(stream.reply).rejects.toMatchObject({ code: "MEMORY_ID_REQUIRED" });
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "MEMORY_ID_REQUIRED" });
    expect(model.requests).toEqual([]);
    expect(store.calls).toEqual([]);
    expect(agent.getHistory()).toEqual([]);
  });

  it("until the agent gets an id, and without a backend nothing is required", async () => {
    const { store, agent } = withBackend();
    await expect(agent.ask("hello")).rejects.toMatchObject({ code: "MEMORY_ID_REQUIRED" });
    await agent.withLongMemory(ID).ask("hello");
    expect(store.records(ID)).toHaveLength(2);
    expect(await new Agent({ model: echoModel() }).ask("hello")).toBe("You said: hello");
  });

  it("but memories can be listed, and deleted by their ids", async () => {
    const { store, agent } = withBackend();
    await store.save(ID, []);
    expect(await agent.listLongMemories()).toEqual([ID]);
    await agent.withLongMemory(ID).deleteLongMemory();
    expect(store.records(ID)).toBeNull();
  });
});

describe("a stateless agent", () => {
  it.each([
    ["by option", () => withBackend({ stateless: true })],
    [
      "by method",
      () => {
        const made = withBackend();
        made.agent.withStateless();
        return made;
      },
    ],
  ])("stores nothing in its backend, %s", async (_how, make) => {
    const { model, store, agent } = make();
    for (const text of ["one", "two"]) expect(await agent.ask(text)).toBe(`You said: ${text}`);
    expect(model.sent(1)).toEqual([{ role: "user", content: "two" }]);
    expect(store.calls).toEqual([]);
    expect(await agent.listLongMemories()).toEqual([]);
  });

  it("remembers in RAM if it has short memory", async () => {
    const { store, agent } = withBackend({ stateless: true, shortMemory: true });
    for (const text of ["one", "two"]) await agent.ask(text);
    expect(contents(agent.getHistory())).toEqual(["one", "You said: one", "two", "You said: two"]);
    expect(store.calls).toEqual([]);
  });

  it.each([
    ["in one order", (agent: Agent) => agent.withStateless().withLongMemory(ID)],
    ["in the other order", (agent: Agent) => agent.withLongMemory(ID).withStateless()],
  ])("cannot have a memory id as well: the ask says so, %s", async (_order, configure) => {
    const { model, store, agent } = withBackend();
    await expect(configure(agent).ask("hello")).rejects.toMatchObject({ code: "INVALID_CONFIG", memoryId: ID });
    expect([model.requests, store.calls]).toEqual([[], []]);
    await agent.withStateless(false).ask("hello");
    expect(store.records(ID)).toHaveLength(2);
  });

  it("is not made by a value that is not a boolean", () => {
    expect(() => withBackend({ stateless: "yes" as never })).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringContaining("stateless") }),
    );
  });
});
