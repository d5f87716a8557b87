/** The options that the SDK's client reads from the environment if they are absent, with their variables. */
export const variables = {
  apiKey: "OPENAI_API_KEY",
  baseURL: "OPENAI_BASE_URL",
  organization: "OPENAI_ORG_ID",
  project: "OPENAI_PROJECT_ID",
} as const;

/** An option that has a variable. */
export type VariableOption = keyof typeof variables;

/** The options of the SDK's client that say what it reads from the environment. */
interface ReadingOptions extends Partial<Record<VariableOption, unknown>> {
  provider?: unknown;
  credential?: unknown;
  workloadIdentity?: unknown;
  dataResidency?: unknown;
}

/**
 * The values of the environment that the SDK's client would take for absent options, now. A provider and a credential
 * come with an address and a key of their own, as in the SDK. So a workload identity comes with a key: the SDK refuses
 * it if the environment has one too, but here the variable is ignored.
 */
export function fromEnvironment(options: ReadingOptions): Partial<Record<VariableOption, string>> {
  if (hasOwnIdentity(options)) return {};
  const taken: VariableOption[] = ["organization", "project"];
  if ((options.workloadIdentity ?? null) === null) taken.push("apiKey");
  if ((options.dataResidency ?? null) === null) taken.push("baseURL");
  const values = taken.map((name) => [name, options[name] === undefined ? readVariable(variables[name]) : undefined]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** The headers in `OPENAI_CUSTOM_HEADERS`, which the SDK adds to each request: names with values, line by line. */
export function customHeaders(options: ReadingOptions): [name: string, value: string][] {
  if (hasOwnIdentity(options)) return [];
  const lines = readVariable("OPENAI_CUSTOM_HEADERS")?.split("\n") ?? [];
  return lines.flatMap((line) => {
    const colon = line.indexOf(":");
    // The SDK ignores a line without a colon.
    return colon < 0 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()]];
  });
}

function hasOwnIdentity({ provider, credential }: ReadingOptions): boolean {
  return (provider ?? credential ?? null) !== null;
}

/** A variable's value without white space around it. A blank one counts as absent, as in the SDK. */
function readVariable(name: string): string | undefined {
  try {
    return globalThis.process?.env?.[name]?.trim() || undefined;
  } catch {
    // Deno throws where the program may not read the environment. For the SDK there is no variable then.
    return undefined;
  }
}
