import { setImmediate as tick } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import {
  Agent,
  type AgentOptions,
  type ChatModel,
  defineTool,
  MemoryError,
  type ModelEvent,
  type ToolCall,
} from "../src/index.ts";
import { ReferenceLog } from "./support/reference-log.ts";
import { bare, ScriptedModel } from "./support/scripted-model.ts";

const ID = "user-alice";
const WORDS = ["The ", "answer ", "is ", "forty-", "two."];

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => void unhandled.push(reason);
beforeEach(() => void process.on("unhandledRejection", onUnhandled));
afterEach(async () => {
  await tick();
  process.off("unhandledRejection", onUnhandled);
  expect(unhandled.splice(0)).toEqual([]);
});

function remembering<M extends ChatModel>(model: M, options: Partial<AgentOptions> = {}) {
  const store = new ReferenceLog();
  return { store, model, agent: new Agent({ model, longMemory: ID, backend: store, ...options }) };
}

async function collect(stream: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of stream) text += piece;
  return text;
}

/** Aborts before the model's event with that number. */
function abortingAt(index: number, answer: { text?: string[]; calls?: ToolCall[] }) {
  const controller = new AbortController();
  const before = (_event: ModelEvent, at: number) => {
    if (at === index) controller.abort(new Error("enough"));
  };
  return { signal: controller.signal, answer: { ...answer, before } };
}

describe("a stream", () => {
  it("gives the text as it arrives, and the reply after the turn is stored", async () => {
    const { store, agent } = remembering(new ScriptedModel({ text: WORDS }));
    const stream = agent.stream("What is it?");
    expect(await collect(stream)).toBe(WORDS.join(""));
    expect(store.records(ID)).toHaveLength(2);
    expect(await stream.reply).toMatchObject({ text: WORDS.join(""), message: { role: "assistant" }, usage: null });
  });

  it("gives each piece before the next one arrives", async () => {
    const gates = WORDS.map(() => Promise.withResolvers<void>());
    const { agent } = remembering(new ScriptedModel({ text: WORDS, before: (_event, index) => gates[index]?.promise }));
    const iterator = agent.stream("go")[Symbol.asyncIterator]();
    for (const [index, word] of WORDS.entries()) {
      gates[index]?.resolve();
      expect(await iterator.next()).toEqual({ value: word, done: false });
    }
    expect((await iterator.next()).done).toBe(true);
  });

  it("stores the turn even if it is not read", async () => {
    const { store, agent } = remembering(new ScriptedModel({ text: WORDS }));
    await agent.stream("go").reply;
    expect(store.records(ID)?.[1]?.content).toBe(WORDS.join(""));
  });

  it("blocks nothing if it is never read to its end", async () => {
    const { store, agent } = remembering(new ScriptedModel({ text: WORDS }));
    const iterator = agent.stream("one")[Symbol.asyncIterator]();
    await iterator.next();
    expect(await agent.ask("two")).toBe(WORDS.join(""));
    expect(store.records(ID)).toHaveLength(4);
  });

  it("may be read after its end, and twice", async () => {
    const { agent } = remembering(new ScriptedModel({ text: WORDS }));
    const stream = agent.stream("go");
    await stream.reply;
    expect(await collect(stream)).toBe(WORDS.join(""));
    expect(await collect(stream)).toBe(WORDS.join(""));
  });

  it("rejects the reader and the reply, and nothing else, if the model fails", async () => {
    const { store, agent } = remembering(new ScriptedModel({ text: ["half"], error: new Error("overloaded") }));
    const stream = agent.stream("go");
    await expect(collect(stream)).rejects.toThrow("overloaded");
    await expect(stream.reply).rejects.toThrow("overloaded");
    agent.stream("nobody waits for this");
    await expect(agent.ask("go")).rejects.toThrow("overloaded");
    expect(store.records(ID)).toBeNull();
  });

  it("carries a refusal as text, and stores it as a refusal", async () => {
    const { store, agent } = remembering(new ScriptedModel({ refusal: "I must not." }));
    const stream = agent.stream("go");
    expect(await collect(stream)).toBe("I must not.");
    expect((await stream.reply).text).toBe("I must not.");
    expect(bare(store.records(ID)?.[1] as never)).toEqual({ role: "assistant", content: null, refusal: "I must not." });
  });
});

describe("a model with invalid events", () => {
  it.each<[string, unknown]>([
    ["nothing", null],
    ["no text", { type: "text" }],
    ["an unknown event", { type: "thought", text: "hm" }],
    ["an invalid call", { type: "tool-call", call: { id: "1" } }],
  ])("fails, is released, and stores nothing: %s", async (_what, event) => {
    let closed = false;
    const model = new ScriptedModel();
    model.generate = async function* () {
      try {
        yield event as ModelEvent;
        yield { type: "finish" };
      } finally {
        closed = true;
      }
    };
    const { store, agent } = remembering(model);
    await expect(agent.ask("go")).rejects.toThrow("The model");
    await tick();
    expect(closed).toBe(true);
    expect(store.records(ID)).toBeNull();
  });

  it("may report an invalid usage", async () => {
    const usage = { promptTokens: Number.NaN, completionTokens: 1, totalTokens: 1 };
    const { store, agent } = remembering(new ScriptedModel({ text: ["ok"], usage }));
    expect((await agent.stream("go").reply).usage).toBeNull();
    expect(store.records(ID)).toHaveLength(2);
  });
});

describe("aborting", () => {
  for (let index = 0; index <= WORDS.length; index++) {
    it(`before event ${index} keeps the question and the text so far`, async () => {
      const { signal, answer } = abortingAt(index, { text: WORDS });
      const { store, agent } = remembering(new ScriptedModel(answer));
      await expect(agent.ask("go", { signal })).rejects.toThrow("enough");
      const kept = WORDS.slice(0, index).join("");
      expect(store.records(ID)?.map(bare) ?? null).toEqual(
        kept === ""
          ? null
          : [
              { role: "user", content: "go" },
              { role: "assistant", content: kept, status: "aborted" },
            ],
      );
      expect(agent.getHistory()).toEqual(store.records(ID) ?? []);
    });

    it(`before event ${index} leaves nothing under the policy 'discard'`, async () => {
      const { signal, answer } = abortingAt(index, { text: WORDS });
      const { store, agent } = remembering(new ScriptedModel(answer), { onAbort: "discard" });
      await expect(agent.ask("go", { signal })).rejects.toThrow("enough");
      expect(store.records(ID)).toBeNull();
      expect(agent.getHistory()).toEqual([]);
    });

    it(`a stream that is left after ${index} pieces keeps those pieces`, async () => {
      const { store, agent } = remembering(new ScriptedModel({ text: WORDS, before: () => tick() }));
      const stream = agent.stream("go");
      let read = 0;
      for await (const _piece of stream) if (++read >= index) break;
      const outcome = await stream.reply.then(
        () => "complete",
        (error: Error) => error.name,
      );
      const records = store.records(ID) ?? [];
      expect(records[0]?.content).toBe("go");
      if (outcome === "complete") expect(records[1]?.content).toBe(WORDS.join(""));
      else {
        expect(outcome).toBe("AbortError");
        expect(records[1]).toMatchObject({ status: "aborted", content: expect.stringMatching(/^The /) });
        expect(WORDS.join("")).toContain(String(records[1]?.content));
      }
    });
  }

  it("by leaving the stream stops a model that has not ended", async () => {
    const { store, agent } = remembering(
      new ScriptedModel({
        text: WORDS,
        before: (_event, index) => (index === 2 ? new Promise(() => undefined) : undefined),
      }),
    );
    const stream = agent.stream("go");
    for await (const piece of stream) if (piece === WORDS[1]) break;
    await expect(stream.reply).rejects.toMatchObject({ name: "AbortError" });
    expect(store.records(ID)?.[1]).toMatchObject({ content: "The answer ", status: "aborted" });
  });

  it("rejects after the kept text is stored, by a save that ignores the signal", async () => {
    const { signal, answer } = abortingAt(2, { text: WORDS });
    const { store, agent } = remembering(new ScriptedModel(answer));
    const saved = Promise.withResolvers<void>();
    let settled = false;
    store.around = async (method, call) => {
      if (method === "append") await saved.promise;
      return call();
    };
    const asked = agent.ask("go", { signal }).catch(() => {
      settled = true;
    });
    while (!store.calls.some(({ method }) => method === "append")) await tick();
    expect(settled).toBe(false);
    expect(store.calls.at(-1)?.options).toMatchObject({ signal: undefined });
    saved.resolve();
    await asked;
    expect(store.records(ID)).toHaveLength(2);
  });

  it("rejects with SAVE_FAILED if the kept text cannot be stored, and keeps it pending", async () => {
    const { signal, answer } = abortingAt(2, { text: WORDS });
    const { store, agent } = remembering(new ScriptedModel(answer));
    store.around = async (method, call) => {
      if (method === "append") throw new MemoryError("UNAVAILABLE", "Away.", { retryable: true });
      return call();
    };
    await expect(agent.ask("go", { signal })).rejects.toMatchObject({ code: "SAVE_FAILED", retryable: true });
    store.around = (_method, call) => call();
    await agent.saveLongMemory();
    expect(store.records(ID)?.[1]).toMatchObject({ status: "aborted" });
  });

  it("obeys the signal even if the model does not", async () => {
    const controller = new AbortController();
    const { store, agent } = remembering(
      new ScriptedModel({ text: WORDS, before: (_event, index) => (index === 2 ? new Promise(() => {}) : undefined) }),
    );
    const stream = agent.stream("go", { signal: controller.signal });
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.next();
    controller.abort(new Error("enough"));
    await expect(stream.reply).rejects.toThrow("enough");
    expect(store.records(ID)?.[1]?.content).toBe("The answer ");
  });

  it("at any moment leaves no unhandled rejection", async () => {
    for (let ticks = 0; ticks < 80; ticks++) {
      const controller = new AbortController();
      const heeding = new ScriptedModel();
      heeding.generate = async function* ({ signal }) {
        for (const text of WORDS) {
          await Promise.resolve();
          signal.throwIfAborted();
          yield { type: "text", text };
        }
        yield { type: "finish" };
      };
      const { agent } = remembering(heeding);
      const asked = agent.ask("go", { signal: controller.signal }).catch((error: Error) => error.message);
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      controller.abort(new Error("enough"));
      expect(["enough", WORDS.join("")]).toContain(await asked);
    }
  });

  it("reaches the model, even while it waits", async () => {
    let returned = false;
    const waiting: AsyncIterator<ModelEvent> = {
      next: () => new Promise(() => undefined),
      return: async () => {
        returned = true;
        return { value: undefined, done: true };
      },
    };
    const model: ChatModel = { generate: () => ({ [Symbol.asyncIterator]: () => waiting }) };
    const { agent } = remembering(model);
    const controller = new AbortController();
    const asked = agent.ask("go", { signal: controller.signal });
    await tick();
    controller.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
    expect(returned).toBe(true);
  });

  it("by return() takes effect while the stream waits, and before it is read", async () => {
    for (const waiting of [true, false]) {
      const { store, agent } = remembering(
        new ScriptedModel({ text: WORDS, before: () => new Promise(() => undefined) }),
      );
      const stream = agent.stream("go");
      const iterator = stream[Symbol.asyncIterator]();
      const next = waiting ? iterator.next() : undefined;
      expect(await iterator.return?.()).toEqual({ value: undefined, done: true });
      if (next !== undefined) expect(await next).toEqual({ value: undefined, done: true });
      await expect(stream.reply).rejects.toMatchObject({ name: "AbortError" });
      expect(store.records(ID)).toBeNull();
    }
  });

  it("changes nothing after the model has ended", async () => {
    const controller = new AbortController();
    const { store, agent } = remembering(new ScriptedModel({ text: WORDS }));
    store.around = async (method, call) => {
      if (method === "append") controller.abort();
      return call();
    };
    expect(await agent.ask("go", { signal: controller.signal })).toBe(WORDS.join(""));
    expect(store.records(ID)?.[1]).not.toHaveProperty("status");
  });

  it("before the model, or while waiting, stores nothing", async () => {
    const { store, model, agent } = remembering(new ScriptedModel({ text: WORDS }));
    await expect(agent.ask("go", { signal: AbortSignal.abort(new Error("early")) })).rejects.toThrow("early");
    const controller = new AbortController();
    const first = agent.ask("one");
    const second = agent.ask("two", { signal: controller.signal });
    controller.abort(new Error("while waiting"));
    await expect(second).rejects.toThrow("while waiting");
    await first;
    expect(model.requests).toHaveLength(1);
    expect(store.records(ID)).toHaveLength(2);
  });
});

describe("aborting a tool round", () => {
  const calls = [
    { id: "1", name: "fast", arguments: "{}" },
    { id: "2", name: "slow", arguments: "{}" },
  ];

  function abortedInTools(text: string[]) {
    const controller = new AbortController();
    const fast = defineTool({ name: "fast", execute: () => "done" });
    const slow = defineTool({
      name: "slow",
      execute: async () => {
        await tick();
        controller.abort(new Error("enough"));
        return new Promise(() => {});
      },
    });
    return { signal: controller.signal, ...remembering(new ScriptedModel({ text, calls }), { tools: [fast, slow] }) };
  }

  it("keeps the calls that were answered, and drops the others", async () => {
    const { store, agent, signal } = abortedInTools(["Let me look."]);
    await expect(agent.ask("go", { signal })).rejects.toThrow("enough");
    expect(store.records(ID)?.map(bare)).toEqual([
      { role: "user", content: "go" },
      { role: "assistant", content: "Let me look.", toolCalls: [calls[0]], status: "aborted" },
      { role: "tool", name: "fast", toolCallId: "1", content: "done" },
    ]);
  });

  it("keeps nothing if there was no text yet", async () => {
    const { store, agent, signal } = abortedInTools([]);
    await expect(agent.ask("go", { signal })).rejects.toThrow("enough");
    expect(store.records(ID)).toBeNull();
  });

  it("does not confuse a result of an earlier round with that of a call with the same id", async () => {
    const controller = new AbortController();
    let runs = 0;
    const lookup = defineTool({
      name: "fast",
      execute: () => {
        if (++runs === 1) return "first";
        controller.abort(new Error("enough"));
        return new Promise(() => undefined);
      },
    });
    const round = { calls: [{ id: "1", name: "fast", arguments: "{}" }] };
    const model = new ScriptedModel({ ...round, text: ["Looking."] }, { ...round, text: ["Looking again."] });
    const { store, agent } = remembering(model, { tools: [lookup] });
    await expect(agent.ask("go", { signal: controller.signal })).rejects.toThrow("enough");
    expect(store.records(ID)?.map(bare)).toEqual([
      { role: "user", content: "go" },
      { role: "assistant", content: "Looking.", toolCalls: round.calls },
      { role: "tool", name: "fast", toolCallId: "1", content: "first" },
      { role: "assistant", content: "Looking again.", status: "aborted" },
    ]);
  });

  it("keeps whole rounds before the text that was cut", async () => {
    const { signal, answer } = abortingAt(1, { text: ["Found ", "it."] });
    const round = { calls: [{ id: "1", name: "fast", arguments: "{}" }] };
    const { store, agent } = remembering(new ScriptedModel(round, answer), {
      tools: [defineTool({ name: "fast", execute: () => "done" })],
    });
    await expect(agent.ask("go", { signal })).rejects.toThrow("enough");
    expect(store.records(ID)?.map(bare)).toEqual([
      { role: "user", content: "go" },
      { role: "assistant", content: null, toolCalls: round.calls },
      { role: "tool", name: "fast", toolCallId: "1", content: "done" },
      { role: "assistant", content: "Found ", status: "aborted" },
    ]);
  });
});
