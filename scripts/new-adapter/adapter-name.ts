import { Refusal } from "./refusal.ts";

const MAX_LENGTH = 50;

/** The name of a store, and the names that are made from it. */
export class AdapterName {
  /** `demo-store` */
  readonly name: string;

  /** Throws a {@link Refusal} if a package and a class cannot have this name. */
  constructor(name: string) {
    const problem = problemOf(name);
    if (problem !== undefined) {
      throw new Refusal(`Invalid adapter name ${JSON.stringify(name)}: ${problem}. Use a name like "demo-store".`);
    }
    this.name = name;
  }

  /** `@deep-agent/demo-store` */
  get packageName(): string {
    return `@deep-agent/${this.name}`;
  }

  /** `DemoStore`: the beginning of the names of its classes. */
  get className(): string {
    return this.name.replace(/(?:^|-)(.)/g, (_match, letter: string) => letter.toUpperCase());
  }

  /** `packages/demo-store` */
  get folder(): string {
    return `packages/${this.name}`;
  }

  /** `.changeset/demo-store-first-release.md` */
  get changeset(): string {
    return `.changeset/${this.name}-first-release.md`;
  }
}

function problemOf(name: string): string | undefined {
  if (name.startsWith("@")) return "leave out the scope, which is always @deep-agent";
  if (name.length > MAX_LENGTH) return `it is longer than ${MAX_LENGTH} characters`;
  if (!/^[a-z]/.test(name)) return "it does not begin with a lowercase letter";
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) return "it may have only lowercase letters, digits and single hyphens";
  if (/(^|-)(adapter|backend)$/.test(name)) return `leave out the ending "${name.split("-").at(-1)}"`;
  return undefined;
}
