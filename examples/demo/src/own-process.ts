import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { AskEvent } from "@deep-agent/core";

/** A message from one of the three processes to the demo. */
export type Report = { note: string } | Answer;

/** One turn: the sentence, the answer, and how long each part of the turn took, in ms. */
export interface Answer {
  said: string;
  text: string;
  ms: AskEvent["ms"];
}

interface Talk {
  address: string;
  memoryId: string;
  sentences: readonly string[];
  /** What the process does: the line above its turns. */
  title: string;
  log: (line: string) => void;
}

let notes: ReadonlySet<string> = new Set();

/** Starts a process that says the sentences, one turn each, and exits. Resolves to the answers. Rejects if it fails. */
export async function talkInOwnProcess({ address, memoryId, sentences, title, log }: Talk): Promise<Answer[]> {
  const env = { ...process.env, DEEP_AGENT_BACKEND: address };
  const child = fork(join(import.meta.dirname, "person.ts"), [memoryId, ...sentences], { env });
  log(`\nProcess ${child.pid} ${title}.`);
  const answers: Answer[] = [];
  child.on("message", (report: Report) => {
    if ("text" in report) {
      answers.push(report);
      log(`  > ${report.said}\n  < ${report.text.padEnd(45)} ${cost(report.ms)}`);
    } else if (!notes.has(report.note)) {
      notes = new Set([...notes, report.note]);
      log(`  (${report.note})`);
    }
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`process ${child.pid} ended with exit code ${code}.`);
  return answers;
}

function cost({ load, save, model }: AskEvent["ms"]): string {
  const [whole, read, written] = [load + save, load, save].map((ms) => ms.toFixed(1));
  return `memory ${whole} ms (read ${read}, write ${written}), model ${model.toFixed(0)} ms`;
}
