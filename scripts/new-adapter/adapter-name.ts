import { Refusal } from "../refusal.ts";

const MAX_LENGTH = 50;

/** What a store is called, and what is named after it. */
export class AdapterName {
  /** `demo-store` */
  readonly name: string;

  /** Throws a {@link Refusal} for what cannot name a package and a class. */
  constructor(name: string) {
    const problem = problemOf(name);
    if (problem !== undefined) {
      throw new Refusal(`${JSON.stringify(name)} cannot name an adapter: ${problem}. A name is like "demo-store".`);
    }
    this.name = name;
  }

  /** `@deep-agent/demo-store` */
  get packageName(): string {
    return `@deep-agent/${this.name}`;
  }

  /** `DemoStore`: what its classes' names begin with. */
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
  if (name.startsWith("@")) return "packages of this repository are all @deep-agent/…, so leave the scope out";
  if (name.length > MAX_LENGTH) return `it is longer than ${MAX_LENGTH} characters`;
  if (!/^[a-z]/.test(name)) return "it does not begin with a small letter";
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) return "it is not made of small letters, digits and single hyphens";
  if (/(^|-)(adapter|backend)$/.test(name)) return `"${name.split("-").at(-1)}" goes without saying`;
  return undefined;
}
