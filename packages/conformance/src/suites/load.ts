import { assistant, Conversation, user } from "@deep-agent/core";
import { type MemoryBackend, type Message, supports } from "@deep-agent/core/adapter";
import { equal } from "../expectations.ts";
import type { KitRecord } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";
import { missing } from "../target.ts";

const WRITERS = 32;
const TURNS = 6;

export const load: Suite = suite("32 writers at the same time lose nothing, duplicate nothing and split nothing", {
  async "appends to one memory, through two instances if possible"(stage) {
    const { backend, target } = stage;
    if (!supports(backend, "log")) throw stage.absent("log");
    const other = missing(target, "concurrentOpen") === undefined ? await stage.another() : backend;
    if (!supports(other, "log")) return;
    await together(async (writer) => {
      for (let turn = 0; turn < TURNS; turn++) {
        await (writer % 2 === 0 ? backend : other).append("m", [
          { writer, turn, part: 0 },
          { writer, turn, part: 1 },
        ]);
      }
    });
    check((await backend.load("m")) ?? []);
  },

  async "turns committed to one conversation"({ backend }) {
    // Core's messages are plain records, too.
    const messages = backend as unknown as MemoryBackend;
    await together(async (writer) => {
      const conversation = new Conversation({ memoryId: "m", backend: messages });
      for (let turn = 0; turn < TURNS; turn++) {
        const parts = [user("question"), assistant("answer")].map((message, part) => ({
          ...message,
          metadata: { writer, turn, part },
        }));
        await conversation.commit(parts as Message[]);
      }
    });
    const stored = (await messages.load("m")) ?? [];
    check(stored.map(({ metadata }) => ({ ...metadata })));
  },

  async "each with a memory of its own: save, load and delete"({ backend }) {
    await together(async (writer) => {
      const id = `m${writer}`;
      for (let turn = 0; turn < TURNS; turn++) {
        await backend.save(id, [{ writer, turn }]);
        equal(await backend.load(id), [{ writer, turn }], "load of the writer's own memory");
      }
      if (writer % 2 === 0) await backend.delete(id);
    });
    equal((await backend.list()).length, WRITERS / 2, "the number of remaining memories");
  },
});

async function together(work: (writer: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => work(writer)));
}

/** Expects every turn once, whole, and in its writer's order. */
function check(records: readonly KitRecord[]): void {
  equal(records.length, WRITERS * TURNS * 2, "the number of records");
  for (let index = 0; index < records.length; index += 2) {
    const { writer, turn } = records[index] ?? {};
    equal(
      records.slice(index, index + 2),
      [
        { writer, turn, part: 0 },
        { writer, turn, part: 1 },
      ],
      `the turn at record ${index}`,
    );
  }
  for (let writer = 0; writer < WRITERS; writer++) {
    const turns = records
      .filter((record) => record["writer"] === writer && record["part"] === 0)
      .map(({ turn }) => turn);
    equal(
      turns,
      Array.from({ length: TURNS }, (_, turn) => turn),
      `the turns of writer ${writer}`,
    );
  }
}
