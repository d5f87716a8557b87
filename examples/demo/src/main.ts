import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { openBackend } from "@deep-agent/core";
import { howToLook, withoutPassword } from "./backend-address.ts";
import { type Answer, talkInOwnProcess } from "./own-process.ts";

/** What the first process tells, the question of the second one, and a word of the right answer. */
const facts = [
  { told: "My name is Alice.", asked: "What is my name?", key: "Alice" },
  { told: "My favourite colour is blue.", asked: "What is my favourite colour?", key: "blue" },
  { told: "I am allergic to peanuts.", asked: "What am I allergic to?", key: "peanuts" },
];
const told = facts.map((fact) => fact.told);
const asked = facts.map((fact) => fact.asked);

const ownFolder = join(import.meta.dirname, "../.data");
const given = process.env["DEEP_AGENT_BACKEND"];

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** Resolves to whether the second process recalled all facts, and the third none of them. */
async function main(): Promise<boolean> {
  if (/^\s*memory:/i.test(given ?? "")) {
    throw new Error(
      "a memory: backend ends with its process, but the demo shows what outlives a process. Name another backend.",
    );
  }
  // The demo's own folder is emptied on each run. In another backend the ids are new, so that no other memory changes.
  if (!given) await rm(ownFolder, { recursive: true, force: true });
  const address = given || pathToFileURL(ownFolder).href;
  const run = given ? `-${randomBytes(4).toString("hex")}` : "";
  const [alice, stranger] = [`demo-alice${run}`, `demo-stranger${run}`];
  const backend = await openBackend(address); // reports a wrong address before anything else happens

  const place = given ? withoutPassword(address) : `files in ${relative(process.cwd(), ownFolder)}`;
  console.log(`Backend: ${place} (DEEP_AGENT_BACKEND names another)`);

  const say = { address, log: console.log };
  await talkInOwnProcess({ ...say, memoryId: alice, sentences: told, title: `tells memory "${alice}" three facts` });
  const recalled = await talkInOwnProcess({
    ...say,
    memoryId: alice,
    sentences: asked,
    title: `asks memory "${alice}"`,
  });
  const unknown = await talkInOwnProcess({
    ...say,
    memoryId: stranger,
    sentences: asked,
    title: `asks memory "${stranger}"`,
  });

  const right = facts.filter(({ key }, index) => holds(recalled[index], key)).length;
  const leaked = facts.filter(({ key }) => unknown.some((answer) => holds(answer, key))).length;
  console.log(`\nThe second process recalled ${right} of ${facts.length} facts, the third ${leaked}.`);
  console.log(`\nThe memories are kept. To look at them:\n${howToLook(backend, address, alice).join("\n")}`);
  return right === facts.length && leaked === 0;
}

function holds(answer: Answer | undefined, key: string): boolean {
  return answer?.text.toLowerCase().includes(key.toLowerCase()) ?? false;
}
