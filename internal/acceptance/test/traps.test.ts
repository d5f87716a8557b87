import { Agent, assistant, defineTool, MemoryError, type Message, system, tool, user } from "@deep-agent/core";
import { FileBackend } from "@deep-agent/file";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { intercept, type Store, stores, storesTurns } from "./support/backends.ts";
import { contents, EchoModel } from "./support/echo-model.ts";

// Each of these is a promise of the Redis guide for Go that the Go library breaks in some way. Here each promise holds
// on every backend.

const ID = "user-alice";
const away = () => new MemoryError("UNAVAILABLE", "The store is unavailable.", { retryable: true });

describe.each(stores)("on %s", (_name, open) => {
  let store: Store;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.remove());

  function agent(model = new EchoModel(), backend = store.backend): Agent {
    return new Agent({ model }).withLongMemory(ID).usingBackend(backend);
  }

  function stored(id = ID): Promise<Message[] | null> {
    return store.another().load(id);
  }

  it("1. order: the memory is loaded at first use, from the backend then configured", async () => {
    await agent().ask("one");
    const model = new EchoModel();
    const elsewhere = new InMemoryBackend();
    const ai = new Agent({ model })
      .withShortMemory()
      .withLongMemory(ID)
      .usingBackend(elsewhere)
      .usingBackend(store.another());
    await ai.ask("two");
    expect(model.sent(0)).toEqual(["one", "You said: one", "two"]);
    expect(contents(await stored())).toEqual(["one", "You said: one", "two", "You said: two"]);
    expect(await elsewhere.list()).toEqual([]);
  });

  it("2. awaited saves: when ask resolves, the turn is stored", async () => {
    await agent().ask("one");
    expect(contents(await stored())).toEqual(["one", "You said: one"]);
  });

  it("3. every path saves: plain, streamed, tool rounds, a reply whose save had failed", async () => {
    let failing = false;
    const backend = intercept(store.backend, (method, call) =>
      failing && storesTurns(method) ? Promise.reject(away()) : call(),
    );
    const ai = agent(new EchoModel(), backend);
    await ai.ask("plain");
    for await (const _piece of ai.stream("streamed"));
    await ai.stream("unread").reply;
    failing = true;
    await expect(ai.ask("retried")).rejects.toMatchObject({ code: "SAVE_FAILED" });
    failing = false;
    ai.withTool(defineTool({ name: "lookup", execute: () => "found" }));
    await ai.ask("tools");
    expect(contents(await stored())).toEqual([
      ...["plain", "streamed", "unread", "retried"].flatMap((text) => [text, `You said: ${text}`]),
      ...["tools", null, "found", "You said: found"],
    ]);
  });

  it("4. long memory without short memory persists, and never replaces a stored history by an empty one", async () => {
    await agent().ask("one");
    await new Agent({ model: new EchoModel(), longMemory: ID, backend: store.another() }).ask("two");
    expect(await stored()).toHaveLength(4);
  });

  it("5. switching the id: no history reaches another memory, not even through a save in flight", async () => {
    const gate = Promise.withResolvers<void>();
    let held = false;
    const backend = intercept(store.backend, async (method, call) => {
      if (storesTurns(method) && !held) {
        held = true;
        await gate.promise;
      }
      return call();
    });
    const model = new EchoModel();
    const ai = agent(model, backend);
    const alice = ai.ask("I am Alice");
    const bob = ai.withLongMemory("user-bob").ask("I am Bob");
    gate.resolve();
    await Promise.all([alice, bob]);
    expect(model.sent(1)).toEqual(["I am Bob"]);
    expect(contents(await stored())).toEqual(["I am Alice", "You said: I am Alice"]);
    expect(contents(await stored("user-bob"))).toEqual(["I am Bob", "You said: I am Bob"]);
    expect(contents(ai.getHistory())).toEqual(["I am Bob", "You said: I am Bob"]);
  });

  it("6. delete, then ask: nothing that was pending or said before comes back", async () => {
    let failing = false;
    const backend = intercept(store.backend, (method, call) =>
      failing && storesTurns(method) ? Promise.reject(away()) : call(),
    );
    const model = new EchoModel();
    const ai = agent(model, backend);
    await ai.ask("stored");
    failing = true;
    await expect(ai.ask("pending")).rejects.toMatchObject({ code: "SAVE_FAILED" });
    failing = false;
    await ai.deleteLongMemory();
    expect(ai.getHistory()).toEqual([]);
    expect(await stored()).toBeNull();
    await ai.ask("new");
    expect(model.sent(2)).toEqual(["new"]);
    expect(contents(await stored())).toEqual(["new", "You said: new"]);
  });

  it("7. a failed load is thrown before the model is called, and never becomes an empty history", async () => {
    await agent().ask("precious");
    let failing = true;
    const backend = intercept(store.another(), (method, call) =>
      failing && (method === "load" || method === "read") ? Promise.reject(away()) : call(),
    );
    const model = new EchoModel();
    const ai = agent(model, backend);
    await expect(ai.ask("hello")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(model.requests).toEqual([]);
    failing = false;
    await ai.ask("hello");
    expect(model.sent(0)).toEqual(["precious", "You said: precious", "hello"]);
    expect(await stored()).toHaveLength(4);
  });

  it("8. saves are ordered: an older state never lands last", async () => {
    const ai = agent();
    const asked = Array.from({ length: 10 }, (_, index) => `turn ${index}`);
    await Promise.all(asked.map((text) => ai.ask(text)));
    expect(contents(await stored())).toEqual(asked.flatMap((text) => [text, `You said: ${text}`]));
  });

  it("9. two agents, one id: no turn is lost, turns stay whole, each sees the other's turns at its next ask", async () => {
    const models = [new EchoModel(), new EchoModel()];
    const agents = models.map((model) => agent(model, store.another()).withMaxHistory(1_000));
    await Promise.all(
      agents.map(async (ai, index) => {
        for (let turn = 0; turn < 10; turn++) await ai.ask(`${index}.${turn}`);
      }),
    );
    const said = contents(await stored()) ?? [];
    expect(said).toHaveLength(40);
    for (let index = 0; index < said.length; index += 2) expect(said[index + 1]).toBe(`You said: ${said[index]}`);
    for (const index of [0, 1]) {
      const own = said.filter((text) => String(text).startsWith(`${index}.`));
      expect(own).toEqual(Array.from({ length: 10 }, (_, turn) => `${index}.${turn}`));
    }
    await agents[0]?.ask("do you see all?");
    expect(models[0]?.requests.at(-1)).toHaveLength(41);
  });

  it("10. the history's limit trims what is sent, also after loading, never what is stored", async () => {
    const first = agent().withMaxHistory(2);
    for (const text of ["one", "two", "three"]) await first.ask(text);
    const model = new EchoModel();
    await agent(model, store.another()).withMaxHistory(2).ask("four");
    expect(model.sent(0)).toEqual(["three", "You said: three", "four"]);
    expect(await stored()).toHaveLength(8);
  });

  it("12. prefixes are literal", async () => {
    for (const id of ["app[1]:x", "app1:x", "a*b", "axb", "a?b", "\\a"]) await store.backend.save(id, [user("hello")]);
    expect(await store.backend.list({ prefix: "app[1]:" })).toEqual(["app[1]:x"]);
    expect(await store.backend.list({ prefix: "a*" })).toEqual(["a*b"]);
    expect(await store.backend.list({ prefix: "a?" })).toEqual(["a?b"]);
    expect(await store.backend.list({ prefix: "\\" })).toEqual(["\\a"]);
  });

  it("13. list is complete and free of duplicates, and an empty list is a list", async () => {
    expect(await store.backend.list()).toEqual([]);
    const ids = Array.from({ length: 50 }, (_, index) => `user-${index}`);
    await Promise.all(ids.map((id) => store.backend.save(id, [user("hello")])));
    await store.backend.delete("user-7");
    expect((await store.backend.list()).sort()).toEqual(ids.filter((id) => id !== "user-7").sort());
  });

  it("16. any id is safe, and stays apart from every other id", async () => {
    const ids = [
      ...["../../etc/passwd", "a/b", "a", "b", ".", "..", "CON", "con", "nul.txt", "Alice", "alice", "ALICE"],
      ...["\u{1f600}", "a b", " a", "a ", "line\nbreak", "*", "[a-z]*", "?", "%41", "A", "\u00e9", "e\u0301"],
      ...["x".repeat(1024), `${"x".repeat(1023)}y`, "漢".repeat(341), "constructor", "__proto__", "\0"],
    ];
    for (const id of ids) await store.backend.save(id, [user(`said in ${JSON.stringify(id)}`)]);
    for (const id of ids) expect(contents(await store.another().load(id))).toEqual([`said in ${JSON.stringify(id)}`]);
    expect((await store.backend.list()).sort()).toEqual([...ids].sort());
    await store.backend.delete("a");
    expect(await store.backend.load("A")).not.toBeNull();
    expect(await store.backend.load("a/b")).not.toBeNull();
    for (const id of ["", "\ud800", "x".repeat(1025), "漢".repeat(342)]) {
      for (const attempt of [
        () => store.backend.load(id),
        () => store.backend.save(id, []),
        () => store.backend.delete(id),
      ]) {
        await expect(attempt()).rejects.toMatchObject({ code: "INVALID_MEMORY_ID" });
      }
    }
  });

  it("18. messages round-trip whole", async () => {
    const toolCalls = [{ id: "1", name: "lookup", arguments: '{"a":[1,2]}' }];
    const messages: Message[] = [
      system("You are kind.", { name: "operator" }),
      user([
        { type: "text", text: "What is this?" },
        { type: "image_url", image_url: { url: "https://example.com/cat.png", detail: "low" } },
      ]),
      assistant(null, { toolCalls, usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3 } }),
      tool("1", "a cat", { status: "error", metadata: { nested: { deep: [null, true, 1.5e300, "\ud800"] } } }),
      assistant(null, { refusal: "I must not say." }),
      assistant("", { status: "aborted" }),
      { ...user("future"), somethingNew: { kept: true } } as Message,
    ];
    await store.backend.save(ID, messages);
    expect(await stored()).toEqual(messages);
  });

  it("19. what the user said is what is stored, whatever was sent", async () => {
    const decorating = new EchoModel();
    const ai = agent(decorating).withSystem("Answer from these documents: …").withMaxHistory(1);
    await ai.ask("one");
    await ai.ask("two");
    expect((await stored())?.filter(({ role }) => role === "user").map(({ content }) => content)).toEqual([
      "one",
      "two",
    ]);
  });

  it("20. an aborted stream keeps what the policy says, and a failed stream stores no half turn", async () => {
    const controller = new AbortController();
    const slow = new EchoModel();
    slow.generate = async function* ({ signal }) {
      yield { type: "text", text: "half of " };
      await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    const stream = agent(slow).stream("one", { signal: controller.signal });
    for await (const _piece of stream) {
      controller.abort();
      break;
    }
    await expect(stream.reply).rejects.toMatchObject({ name: "AbortError" });
    const kept = await stored();
    expect(kept).toMatchObject([{ content: "one" }, { content: "half of ", status: "aborted" }]);

    const failing = new EchoModel();
    failing.generate = async function* () {
      yield { type: "text", text: "half" };
      throw new Error("the line went dead");
    };
    await expect(agent(failing, store.another()).ask("two")).rejects.toThrow("the line went dead");
    expect(contents(await stored())).toEqual(contents(kept));
  });

  it("21. the system prompt is never stored, always sent, never trimmed", async () => {
    const model = new EchoModel();
    const ai = agent(model).withSystem("Be brief.").withMaxHistory(2);
    for (const text of ["one", "two", "three"]) await ai.ask(text);
    for (const request of model.requests) expect(request[0]).toMatchObject({ role: "system", content: "Be brief." });
    expect((await stored())?.some(({ role }) => role === "system")).toBe(false);
  });
});

describe("11. a setting means the same in options and fluent form", () => {
  it.each([0, null, "0"])("a TTL of %p means no expiry in both", async (ttl) => {
    let now = 1_000_000;
    const clock = () => now;
    const options = Object.freeze({ ttl, clock });
    for (const backend of [new InMemoryBackend(options), new InMemoryBackend({ ttl: "1s", clock }).withTTL(ttl)]) {
      await backend.save(ID, [user("hello")]);
      now += 1e12;
      expect(await backend.load(ID)).toHaveLength(1);
      expect((await backend.info(ID))?.expiresAt).toBeNull();
    }
  });

  it("a backend changes nothing in the options that it is given", () => {
    const options = Object.freeze({ directory: "/nowhere", durability: "os" as const });
    expect(new FileBackend(options).directory).toBe("/nowhere");
  });
});
