import { parseArgs } from "node:util";
import { startOfflineModel } from "./offline-model.ts";

// The offline model as a program of its own, for whatever speaks OpenAI's protocol. It runs until it is stopped.

const usage =
  "Usage: npx -y pnpm@10.34.9 offline-model [--port N], where N is from 1 to 65535; by default a free port.";

try {
  const server = await startOfflineModel({ port: portOf(process.argv.slice(2)) });
  console.log(`export OPENAI_BASE_URL=${server.baseURL}\nexport OPENAI_API_KEY=${server.apiKey}`);
  console.error("The offline model is listening. Give these two lines to the shell of your program. Ctrl-C stops it.");
} catch (error) {
  console.error(problemOf(error));
  process.exitCode = 1;
}

/** The port that the arguments name; 0: none. */
function portOf(args: readonly string[]): number {
  let text: string | undefined;
  try {
    text = parseArgs({ args: [...args], options: { port: { type: "string" } } }).values.port;
  } catch {
    throw new Error(usage);
  }
  if (text === undefined) return 0;
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65_535) throw new Error(usage);
  return Number(text);
}

function problemOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException; // what is thrown above and by the server
  if (code === "EADDRINUSE") return "That port is taken. Name another one with --port, or none for a free one.";
  if (code === "EACCES") return "That port is not for you. Name one from 1024 on with --port.";
  return message;
}
