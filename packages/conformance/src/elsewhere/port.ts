import { fork } from "node:child_process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { fileBeside } from "./file-beside.ts";
import type { Reply, Request } from "./messages.ts";

/** How much of the other process's output is kept, in characters: its end. */
const KEPT_OUTPUT = 4_000;

/** How long the last output of a process that has ended may take, in ms. Its own children may keep the pipes open. */
const OUTPUT_MS = 500;

/** The connection to the program of the other process, which runs as a child process or as a thread. */
export interface Port {
  send(request: Request): void;
  /** Ends it at once, as SIGKILL does. */
  kill(): void;
  /** The end of what it wrote to stdout and stderr. */
  output(): string;
  /** Resolves when it has ended, and says how: "ended with status 1". Never rejects. */
  readonly ended: Promise<string>;
}

/** Starts the program. `onReply` is told each of its messages. */
export function startProgram(
  { thread = false, execArgv }: { thread?: boolean | undefined; execArgv?: readonly string[] | undefined },
  onReply: (reply: Reply) => void,
): Port {
  const program = fileBeside("elsewhere-program");
  return thread ? threadPort(program, execArgv, onReply) : processPort(program, execArgv, onReply);
}

function processPort(program: URL, execArgv: readonly string[] | undefined, onReply: (reply: Reply) => void): Port {
  const child = fork(fileURLToPath(program), [], {
    ...(execArgv && { execArgv: [...execArgv] }),
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    windowsHide: true,
  } as Parameters<typeof fork>[2]); // Node's types lack `windowsHide`, which it passes to `spawn`
  const output = endOf([child.stdout, child.stderr]);
  child.on("message", (reply: Reply) => onReply(reply)); // the program sends nothing else
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("exit", (status, signal) => {
      const how = signal === null ? `ended with status ${status}` : `was ended by ${signal}`;
      const timer = setTimeout(() => resolve(how), OUTPUT_MS);
      child.once("close", () => {
        clearTimeout(timer);
        resolve(how);
      });
    });
  });
  return {
    // If the process has ended, that is reported by `ended`.
    send: (request) => void child.send(request, undefined, undefined, () => undefined),
    kill: () => void child.kill("SIGKILL"),
    output,
    ended,
  };
}

function threadPort(program: URL, execArgv: readonly string[] | undefined, onReply: (reply: Reply) => void): Port {
  const worker = new Worker(program, { ...(execArgv && { execArgv: [...execArgv] }), stdout: true, stderr: true });
  const output = endOf([worker.stdout, worker.stderr]);
  worker.on("message", onReply);
  const ended = new Promise<string>((resolve) => {
    worker.once("error", (error) => resolve(`ended with ${String(error)}`));
    worker.once("exit", (status) => resolve(`ended with status ${status}`));
  });
  return { send: (request) => worker.postMessage(request), kill: () => void worker.terminate(), output, ended };
}

function endOf(streams: readonly (Readable | null)[]): () => string {
  let text = "";
  for (const stream of streams) {
    stream?.setEncoding("utf8").on("data", (part: string) => {
      text = (text + part).slice(-KEPT_OUTPUT);
    });
  }
  return () => text.trim();
}
