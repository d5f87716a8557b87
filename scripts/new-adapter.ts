// Makes the package of a new adapter, installs its dependencies, and builds it: pnpm new:adapter NAME
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
    throw new Refusal("Usage: npx -y pnpm@10.34.9 new:adapter NAME (the name of the store)");
  const name = new AdapterName(given);
  const made = makePackage(root, name);
  // Ctrl-C also reaches the running command, which then fails.
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
Made and built ${folder}: ${packageName}, a working adapter with the four required methods.

  npx -y pnpm@10.34.9 --filter ${packageName} test    tests whether it keeps the contract

Then make it the adapter of your store:

  1. ${folder}/src/store.ts is a placeholder for your store's client. Replace it by your client, and map the client's
     errors in src/store-error.ts. The tests show whether the adapter is correct.
  2. docs/writing-an-adapter.md says what each capability promises. Add the capabilities that your store can have.
  3. ${folder}/README.md and ${changeset} are for users. Describe your store there.
  4. CONTRIBUTING.md, "A new package", lists the other places where a package is named.
`;
}
