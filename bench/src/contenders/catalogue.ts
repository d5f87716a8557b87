import type { Contender, Place } from "./contender.ts";

type Open = (place: Place) => Promise<Contender>;

/** This project, another library, the way without a library, or the least that any way has to do. */
export type Group = "deep-agent" | "peer" | "rewriting" | "floor";

export interface Entry {
  /** Its name in reports. */
  title: string;
  group: Group;
  store: "redis" | "file" | "memory";
  /** Whether it keeps all its conversations in one file. Then each conversation gets a process with its own file. */
  isSingle?: boolean;
  open: Open;
}

/** Each is loaded only by the process that measures it, so that none pays for the modules of another. */
const catalogue = {
  memory: {
    title: "deep-agent, memory",
    group: "deep-agent",
    store: "memory",
    open: async (place) => (await import("./deep-agent.ts")).inMemory(place),
  },
  file: {
    title: "deep-agent, file",
    group: "deep-agent",
    store: "file",
    open: async (place) => (await import("./deep-agent.ts")).onFiles(place),
  },
  "file-os": {
    title: 'deep-agent, file, durability "os"',
    group: "deep-agent",
    store: "file",
    open: async (place) => (await import("./deep-agent.ts")).onFilesUnflushed(place),
  },
  redis: {
    title: "deep-agent, Redis by node-redis",
    group: "deep-agent",
    store: "redis",
    open: async (place) => (await import("./deep-agent.ts")).onRedis(place),
  },
  ioredis: {
    title: "deep-agent, Redis by ioredis",
    group: "deep-agent",
    store: "redis",
    open: async (place) => (await import("./deep-agent.ts")).onIoredis(place),
  },
  encrypted: {
    title: "deep-agent, Redis, encrypted",
    group: "deep-agent",
    store: "redis",
    open: async (place) => (await import("./deep-agent.ts")).encrypted(place),
  },
  "rewriting-redis": {
    title: "whole history by SET",
    group: "rewriting",
    store: "redis",
    open: async (place) => (await import("./rewriting.ts")).bySet(place),
  },
  "rewriting-file": {
    title: "whole history in a file",
    group: "rewriting",
    store: "file",
    open: async (place) => (await import("./rewriting.ts")).byFile(place),
  },
  "langchain-redis": {
    title: "@langchain/redis",
    group: "peer",
    store: "redis",
    open: async (place) => (await import("./langchain.ts")).redisHistory(place),
  },
  "langchain-file": {
    title: "LangChain FileSystemChatMessageHistory",
    group: "peer",
    store: "file",
    isSingle: true,
    open: async (place) => (await import("./langchain.ts")).fileHistory(place),
  },
  mastra: {
    title: "@mastra/redis",
    group: "peer",
    store: "redis",
    open: async (place) => (await import("./mastra.ts")).mastra(place),
  },
  langgraph: {
    title: "@langchain/langgraph-checkpoint-redis",
    group: "peer",
    store: "redis",
    open: async (place) => (await import("./langgraph.ts")).checkpoints(place),
  },
  "openai-agents": {
    title: "OpenAI Agents SDK, file session",
    group: "peer",
    store: "file",
    open: async (place) => (await import("./openai-agents.ts")).fileSession(place),
  },
  "floor-redis": {
    title: "bare node-redis",
    group: "floor",
    store: "redis",
    open: async (place) => (await import("./floor.ts")).bareNodeRedis(place),
  },
  "floor-ioredis": {
    title: "bare ioredis",
    group: "floor",
    store: "redis",
    open: async (place) => (await import("./floor.ts")).bareIoredis(place),
  },
  "floor-file": {
    title: "one write and fsync",
    group: "floor",
    store: "file",
    open: async (place) => (await import("./floor.ts")).writeAndFlush(place),
  },
} as const satisfies Record<string, Entry>;

export type Name = keyof typeof catalogue;

export function entryOf(name: Name): Entry {
  return catalogue[name];
}

export const names: readonly Name[] = Object.keys(catalogue) as Name[]; // exactly its own keys
