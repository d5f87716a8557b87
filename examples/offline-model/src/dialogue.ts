/** A recorded conversation. A file holds one dialogue on each line, as JSON. */
export interface Dialogue {
  id: string;
  messages: RecordedMessage[];
}

/** A message as this library stores it, without its id, time and usage, which it gets when it is said. */
export interface RecordedMessage {
  role: "system" | "user" | "assistant" | "tool";
  content: string | { type: string; text?: string }[] | null;
  toolCalls?: { id: string; name: string; arguments: string }[];
  toolCallId?: string;
}

/** Parses the text of a file of dialogues. Throws an error that names the line if a dialogue is invalid. */
export function parseDialogues(text: string): Dialogue[] {
  const ids = new Set<string>();
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    const problem = (what: string): Error => new Error(`Line ${index + 1} is not a dialogue: ${what}.`);
    const dialogue = parseDialogue(line, problem);
    if (ids.has(dialogue.id)) throw problem(`the id ${JSON.stringify(dialogue.id)} was used before`);
    ids.add(dialogue.id);
    return [dialogue];
  });
}

function parseDialogue(line: string, problem: (what: string) => Error): Dialogue {
  let value: Partial<Dialogue> | null;
  try {
    value = JSON.parse(line) as Partial<Dialogue> | null; // each property is looked at below
  } catch {
    throw problem("it is not JSON");
  }
  const { id, messages } = value ?? {};
  if (typeof id !== "string" || id === "") throw problem("it has no id");
  if (!Array.isArray(messages) || messages.length === 0) throw problem("it has no messages");
  for (const [index, message] of messages.entries()) {
    if (!isMessage(message)) throw problem(`message ${index} has no role or no content`);
  }
  checkCalls(messages, problem);
  return { id, messages };
}

const roles: ReadonlySet<unknown> = new Set(["system", "user", "assistant", "tool"]);

function isMessage(message: Partial<RecordedMessage> | null): message is RecordedMessage {
  const { role, content } = message ?? {};
  return roles.has(role) && (typeof content === "string" || Array.isArray(content) || content === null);
}

/**
 * Checks that the results follow each message that calls tools, one for each call: the only history that models accept.
 */
function checkCalls(messages: readonly RecordedMessage[], problem: (what: string) => Error): void {
  let open: string[] = [];
  for (const [index, { role, toolCalls, toolCallId }] of messages.entries()) {
    if (role === "tool") {
      if (!open.includes(toolCallId ?? "")) throw problem(`message ${index} is a result without a call`);
      open = open.filter((id) => id !== toolCallId);
    } else {
      if (open.length > 0) throw problem(`message ${index} comes before the result of ${open.join(", ")}`);
      open = (toolCalls ?? []).map(({ id }) => id);
    }
  }
  if (open.length > 0) throw problem(`the result of ${open.join(", ")} is missing`);
}

/**
 * The dialogue in turns. Each turn begins with a message of the user, but the first turn may begin with any message.
 */
export function turnsOf({ messages }: Dialogue): RecordedMessage[][] {
  const starts = messages.flatMap(({ role }, index) => (index === 0 || role === "user" ? [index] : []));
  return starts.map((start, turn) => messages.slice(start, starts[turn + 1]));
}
