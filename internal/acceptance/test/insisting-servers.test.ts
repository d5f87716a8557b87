import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "@jest/globals";
import { InsistingServer } from "../../../packages/core/test/support/insisting-server.ts";
import { insistences } from "../../../packages/core/test/support/servers/all.ts";
import type { Conversing, Said } from "./workers/insisting-servers.worker.ts";

const program = join(import.meta.dirname, "workers/insisting-servers.worker.ts");

/** Goes on with the conversation in a new process. */
async function converse(conversing: Conversing): Promise<Said[]> {
  const child = spawn(process.execPath, [program, JSON.stringify(conversing)], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (errors !== "") throw new Error(errors);
  const lines = out.trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Said); // what the program prints
}

describe("a conversation with tools at a server that insists", () => {
  it.each(Object.entries(insistences))(
    "like %s goes on in a new process after ten turns, and in another one after a turn elsewhere",
    async (name, { provider, model, options = {}, reasons }) => {
      await using server = await InsistingServer.start(provider());
      const elsewhere = insistences[name === "gemini" ? "deepseek" : "gemini"];
      if (elsewhere === undefined) throw new Error("There is no other server.");
      await using other = await InsistingServer.start(elsewhere.provider());
      const directory = await mkdtemp(join(tmpdir(), "deep-agent-insisting-"));
      try {
        const here = { baseURL: server.baseURL, model, options, directory };
        const there = { baseURL: other.baseURL, model: elsewhere.model, options: elsewhere.options ?? {}, directory };
        const said = await converse({ ...here, from: 1, to: 10 });
        said.push(...(await converse({ ...here, from: 11, to: 13 })));
        await converse({ ...there, from: 1, to: 2 });
        said.push(...(await converse({ ...here, from: 14, to: 15 })));
        expect([...server.refusals, ...other.refusals]).toEqual([]);
        expect(said).toHaveLength(15);
        for (const [index, reply] of said.entries()) {
          expect(reply.text).toMatch(new RegExp(`^${name}, turn ${index + 1}: Örebro 🌦: 21°`));
          expect(reply.finishReason).toBe("stop");
          expect(reply.reasoning !== "").toBe(reasons);
        }
        expect(said.map(({ calls }) => calls)).toEqual([1, 2, 2, 2, 1, 3, 1, 2, 2, 2, 1, 3, 1, 2, 2]);
        // Each process has read all that the ones before it stored.
        const known = said.map(({ known: count }) => count);
        expect(known).toEqual([...known].sort((one, another) => one - another));
        expect(known[0]).toBe(0);
        expect(known[10]).toBeGreaterThan(40);
      } finally {
        await rm(directory, { recursive: true });
      }
    },
  );
});
