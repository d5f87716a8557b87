import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { lazyChunk, type Rooms, roomsOf } from "../../../scripts/rooms/rooms.ts";
import { CopiedSources, runLintStep, workspace } from "./support/copied-sources.ts";

/** Wrong imports: a description, the file, the code, and the message of lint without "error" before it. */
const wrong = [
  {
    what: "a type of a room above",
    file: "packages/core/src/contract/backend.ts",
    code: 'import type { Agent } from "../agent/agent.ts";',
    told: "core: contract: packages/core/src/contract/backend.ts → packages/core/src/agent/agent.ts",
  },
  {
    what: "a type of a room above, in the place where it is used",
    file: "packages/core/src/contract/reply.ts",
    code: 'export type Answering = import("../agent/agent.ts").Agent;',
    told: "core: contract: packages/core/src/contract/reply.ts → packages/core/src/agent/agent.ts",
  },
  {
    what: "a room above, lazily",
    file: "packages/core/src/open/redact.ts",
    code: 'export const agent = () => import("../agent/agent.ts");',
    told: "core: open: packages/core/src/open/redact.ts → packages/core/src/agent/agent.ts",
  },
  {
    what: "a room in a room, from around it",
    file: "packages/core/src/model/chat-model.ts",
    code: 'export type { OpenAIClient } from "./openai/client.ts";',
    told: "core: model: packages/core/src/model/chat-model.ts → packages/core/src/model/openai/client.ts",
  },
  {
    what: "core's lazy chunk, not lazily",
    file: "packages/core/src/agent/tool.ts",
    code: 'export { runTurn } from "../lazy-chunk.ts";',
    told: "core: the lazy chunk: packages/core/src/agent/tool.ts → packages/core/src/lazy-chunk.ts",
  },
  {
    what: "what loads the agent, and is the adapters' door",
    file: "packages/core/src/adapter.ts",
    code: 'export { openBackend } from "./open/open-backend.ts";',
    told: "core: the adapters' door: packages/core/src/adapter.ts → packages/core/src/lazy-chunk.ts",
  },
  {
    what: "anything, and is in no room",
    file: "packages/core/src/utils.ts",
    code: 'export type { Message } from "./contract/message.ts";',
    told: "core: no room: packages/core/src/utils.ts → packages/core/src/contract/message.ts",
  },
  {
    what: "a file that is in no room",
    file: "packages/core/src/agent/exchange.ts",
    code: 'export type { Message } from "../utils.ts";',
    told: "core: no such room: packages/core/src/agent/exchange.ts → packages/core/src/utils.ts",
  },
  {
    what: "an adapter, and is core's",
    file: "packages/core/src/open/schemes.ts",
    code: 'import "@deep-agent/in-memory";',
    told: "packages: core: packages/core/src/open/schemes.ts → @deep-agent/in-memory",
  },
  {
    what: "the door of applications, and is an adapter's",
    file: "packages/in-memory/src/from-config.ts",
    code: 'import type { Agent } from "@deep-agent/core";',
    told: "packages: adapters and middleware: packages/in-memory/src/from-config.ts → @deep-agent/core",
  },
  {
    what: "another package's source by its path",
    file: "packages/in-memory/src/memory-cache.ts",
    code: 'import "../../core/src/index.ts";',
    told: "packages: adapters and middleware: packages/in-memory/src/memory-cache.ts → packages/core/src/index.ts",
  },
  {
    what: "what is not published",
    file: "packages/in-memory/src/recent-page.ts",
    code: 'import "@deep-agent/test-redis";',
    told: "packages: adapters and middleware: packages/in-memory/src/recent-page.ts → @deep-agent/test-redis",
  },
  {
    what: "a type of a file of its room which imports it",
    file: "packages/core/src/concurrency/task-queue.ts",
    code: 'export type { KeyedQueue } from "./keyed-queue.ts";',
    told: `core: concurrency: no cycles: packages/core/src/concurrency/keyed-queue.ts → 
      packages/core/src/concurrency/task-queue.ts →
      packages/core/src/concurrency/keyed-queue.ts`,
  },
  {
    what: "lazily a file of its package which imports it",
    file: "packages/in-memory/src/memory-log.ts",
    code: 'export const later = () => import("./memory-cache.ts");',
    told: `packages without rooms: no cycles: packages/in-memory/src/memory-cache.ts → 
      packages/in-memory/src/memory-log.ts →
      packages/in-memory/src/memory-cache.ts`,
  },
] as const;

describe("lint holds the sources of packages to what they may import", () => {
  let copy: CopiedSources;
  let lint: { status: number | null; output: string };

  beforeAll(() => {
    copy = new CopiedSources(["core", "in-memory"]);
    for (const { file, code } of wrong) copy.add(file, code);
    lint = runLintStep("depcruise ", copy.root);
  });
  afterAll(() => copy.remove());

  it("fails", () => expect(lint.status).not.toBe(0));

  it.each(wrong)("names both files if one imports $what", ({ told }) => {
    expect(lint.output).toContain(`error ${told}\n`);
  });

  it("accepts the unchanged sources", () => {
    expect(runLintStep("depcruise ", workspace)).toEqual({
      status: 0,
      output: expect.stringContaining("no dependency violations found"),
    });
  });
});

describe("the rooms", () => {
  it.each(Object.entries(roomsOf))("of %s have no circle, except through core's lazy chunk", (_, rooms) => {
    for (const room of Object.keys(rooms)) expect([...reachedFrom(rooms, room)]).not.toContain(room);
  });
});

/** The rooms that a room may import, directly or through other rooms. */
function reachedFrom(rooms: Rooms, room: string, reached = new Set<string>()): Set<string> {
  for (const next of rooms[room] ?? []) {
    if (reached.has(next) || next === lazyChunk) continue;
    reached.add(next);
    reachedFrom(rooms, next, reached);
  }
  return reached;
}
