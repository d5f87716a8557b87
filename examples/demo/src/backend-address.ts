import { relative } from "node:path";
import type { MemoryBackend } from "@deep-agent/core";
import { FileBackend } from "@deep-agent/file";

/** The address without passwords, so that it may be shown. */
export function withoutPassword(address: string): string {
  return address.replace(/:\/\/[^/]*@/, "://…@").replace(/([?&]password=)[^&]*/gi, "$1…");
}

/** Commands that show what the backend holds under the id. */
export function howToLook(backend: MemoryBackend, address: string, memoryId: string): string[] {
  const chat = `  DEEP_AGENT_BACKEND='${withoutPassword(address)}' npx -y pnpm@10.34.9 --filter @deep-agent-examples/chat start ${memoryId}   # then /history`;
  if (backend instanceof FileBackend)
    return [`  cat '${relative(process.cwd(), backend.directory)}/${memoryId}'.*.jsonl`, chat];
  if (/^rediss?:/.test(address)) {
    const prefix = new URL(address).searchParams.get("prefix") ?? "deep-agent:memories:";
    const look = (command: string) => `  redis-cli -u '${withoutPassword(address)}' ${command}`;
    return [look(`LRANGE '${prefix}${memoryId}' 0 -1`), look(`TTL '${prefix}${memoryId}'`), chat];
  }
  return [chat];
}
