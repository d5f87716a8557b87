// Makes the package of a new adapter, installs what it needs, and builds it: pnpm new:adapter NAME
import { resolve } from "node:path";
import { AdapterName } from "./new-adapter/adapter-name.ts";
import { installAndBuild } from "./new-adapter/install-and-build.ts";
import { makePackage } from "./new-adapter/make-package.ts";
import { Refusal } from "./refusal.ts";

const root = resolve(import.meta.dirname, "..");

try {
  newAdapter(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function newAdapter(args: readonly string[]): void {
  const [given, ...more] = args;
  if (given === undefined || more.length > 0)
    throw new Refusal("Usage: npx -y pnpm@10.34.9 new:adapter NAME, where NAME is the store's.");
  const name = new AdapterName(given);
  const made = makePackage(root, name);
  // Ctrl-C reaches the command that runs, too, which then fails.
  process.on("SIGINT", () => undefined);
  try {
    installAndBuild(root, name);
  } catch (error) {
    made.undo();
    throw error;
  }
  console.log(nextSteps(name));
}

function nextSteps({ folder, packageName, changeset }: AdapterName): string {
  return `
${folder} is there, and built: ${packageName}, an adapter of the four methods that works.

  npx -y pnpm@10.34.9 --filter ${packageName} test    holds it to the contract

Then make it the adapter of your store:

  1. ${folder}/src/store.ts stands for your store's client. Put your client in its place, and its errors into
     src/store-error.ts. The tests say when it is right.
  2. docs/writing-an-adapter.md says what each capability promises. Add those that your store can keep.
  3. ${folder}/README.md and ${changeset} are for its users. Say what is true of your store.
  4. CONTRIBUTING.md, "A new package", says where else a package is named.
`;
}
