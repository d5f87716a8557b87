import { Agent, assistant, type ChatModel, Conversation, type ModelEvent, user } from "@deep-agent/core";
import { type MemoryBackend, MemoryError, type Message } from "@deep-agent/core/adapter";
import { equal, ok, rejectionOf } from "../expectations.ts";
import type { Stage } from "../stage.ts";
import { type Suite, suite } from "../suite.ts";

/** Core's own conversations and agents, on the backend as it is and on its four required methods only. */
export const conversations: Suite = suite(
  "conversations and agents remember, even with the four required methods only",
  Object.fromEntries(
    [
      ["with all of its methods", ({ backend }: Stage) => backend as unknown as MemoryBackend] as const,
      [
        "with the four required methods",
        ({ backend }: Stage) => fourMethods(backend as unknown as MemoryBackend),
      ] as const,
    ].flatMap(([how, of]) => [
      [
        `a conversation stores whole turns, and another conversation reads them, ${how}`,
        (stage: Stage) => storesTurns(of(stage)),
      ],
      [`a turn whose answer was lost is stored once, ${how}`, (stage: Stage) => storesOnce(of(stage))],
      [`a failed read is never taken for an empty history, ${how}`, (stage: Stage) => readsOrFails(of(stage))],
      [
        `an agent remembers after a restart, and forgets a deleted memory, ${how}`,
        (stage: Stage) => remembers(of(stage)),
      ],
    ]),
  ),
);

/** The backend without its capabilities. */
function fourMethods(backend: MemoryBackend): MemoryBackend {
  return {
    load: (memoryId, options) => backend.load(memoryId, options),
    save: (memoryId, records, options) => backend.save(memoryId, records, options),
    delete: (memoryId, options) => backend.delete(memoryId, options),
    list: (options) => backend.list(options),
  };
}

async function storesTurns(backend: MemoryBackend): Promise<void> {
  const one = new Conversation({ memoryId: "alice", backend });
  const other = new Conversation({ memoryId: "alice", backend });
  const said: string[] = [];
  for (let turn = 0; turn < 6; turn++) {
    const conversation = turn % 2 === 0 ? one : other;
    await conversation.sync();
    await conversation.commit([user(`question ${turn}`), assistant(`answer ${turn}`)]);
    said.push(`question ${turn}`, `answer ${turn}`);
  }
  equal(contents(await one.sync()), said, "what one conversation reads");
  equal(contents(await other.sync()), said, "what the other conversation reads");
  equal(contents(await backend.load("alice")), said, "load");
  equal(await new Conversation({ memoryId: "bob", backend }).sync(), [], "what a conversation of another id reads");
}

/** The write is applied, but reported as lost: the next flush must find the turn. */
async function storesOnce(backend: MemoryBackend): Promise<void> {
  let lose = false;
  const lossy = intercepted(backend, async (method, call) => {
    const answer = await call();
    if (!lose || (method !== "append" && method !== "save")) return answer;
    lose = false;
    throw new MemoryError("UNAVAILABLE", "The answer was lost.", { outcome: "unknown", retryable: true });
  });
  const conversation = new Conversation({ memoryId: "alice", backend: lossy });
  await conversation.sync();
  await conversation.commit([user("one"), assistant("first")]);
  lose = true;
  await rejectionOf(() => conversation.commit([user("two"), assistant("second")]), "a commit whose answer was lost");
  await new Conversation({ memoryId: "alice", backend }).commit([user("three"), assistant("third")]);
  await conversation.flush();
  await conversation.commit([user("four"), assistant("fourth")]);
  const said = ["one", "first", "two", "second", "three", "third", "four", "fourth"];
  equal(contents(await backend.load("alice")), said, "load");
}

async function readsOrFails(backend: MemoryBackend): Promise<void> {
  await new Conversation({ memoryId: "alice", backend }).commit([user("precious"), assistant("yes")]);
  let isUnavailable = true;
  const failing = intercepted(backend, (method, call) =>
    isUnavailable && (method === "read" || method === "load")
      ? Promise.reject(new MemoryError("UNAVAILABLE", "The store is unavailable."))
      : call(),
  );
  const model = new Echo();
  const agent = new Agent({ model, longMemory: "alice", backend: failing });
  const error = await rejectionOf(() => agent.ask("hello"), "an ask while the store is unavailable");
  ok(MemoryError.is(error, "UNAVAILABLE"), "an ask while the store is unavailable does not reject with UNAVAILABLE");
  equal(model.requests, [], "what the model was sent");
  isUnavailable = false;
  await agent.ask("hello");
  equal(contents(await backend.load("alice")), ["precious", "yes", "hello", "You said: hello"], "load");
}

async function remembers(backend: MemoryBackend): Promise<void> {
  const first = new Agent({ model: new Echo(), longMemory: "alice", backend });
  await first.ask("My favourite colour is blue");
  await Promise.all(
    ["b", "c"].map((id) => new Agent({ model: new Echo(), longMemory: id, backend }).ask("I am someone else")),
  );
  const model = new Echo();
  const restarted = new Agent({ model, longMemory: "alice", backend });
  for await (const _text of restarted.stream("What is it?"));
  equal(
    model.requests[0],
    ["My favourite colour is blue", "You said: My favourite colour is blue", "What is it?"],
    "what the model was sent",
  );
  equal([...(await restarted.listLongMemories())].sort(), ["alice", "b", "c"], "listLongMemories");
  await restarted.deleteLongMemory();
  equal(await backend.load("alice"), null, "load after deleteLongMemory");
  await restarted.ask("Who am I?");
  equal(model.requests[1], ["Who am I?"], "what the model was sent after the delete");
  equal((await backend.load("alice"))?.length, 2, "the number of messages");
}

/** Repeats the last message, and records what it was sent. */
class Echo implements ChatModel {
  readonly requests: unknown[][] = [];

  async *generate({ messages }: { messages: readonly Message[] }): AsyncGenerator<ModelEvent> {
    this.requests.push(contents(messages) ?? []);
    yield { type: "text", text: `You said: ${String(messages.at(-1)?.content)}` };
    yield { type: "finish" };
  }
}

function contents(messages: readonly Message[] | null): unknown[] | null {
  return messages?.map(({ content }) => content) ?? null;
}

/** The backend, with `around` around each of its calls. */
function intercepted(
  backend: MemoryBackend,
  around: (method: string, call: () => Promise<unknown>) => Promise<unknown>,
): MemoryBackend {
  return new Proxy(backend, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function" || typeof property !== "string") return value;
      return (...args: unknown[]) => around(property, async () => Reflect.apply(value, target, args));
    },
  });
}
