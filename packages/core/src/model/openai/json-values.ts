/**
 * The arguments of a call, if a server sent more than one whole object for it: the last of them that is not empty. A
 * server may begin with `{}`, or repeat the whole after its pieces. Any other text is returned as it is.
 */
export function lastObject(text: string): string {
  if (isJson(text)) return text;
  const objects = split(text.replace(/^\s*null\s*(?=\{)/, ""));
  if (objects === undefined) return text;
  return objects.findLast((object) => !/^\{\s*\}$/.test(object)) ?? objects.at(-1) ?? text;
}

/** Whether the text is a whole JSON object. It is asked for each piece, so that it must be quick for what is not. */
export function isWholeObject(text: string): boolean {
  return isBlankUpTo(text, "{", 0, 1) && isBlankUpTo(text, "}", text.length - 1, -1) && isJson(text);
}

/** Whether a character comes first, but for white space, from `start` on in one direction. */
function isBlankUpTo(text: string, character: string, start: number, step: 1 | -1): boolean {
  let at = start;
  while (/\s/.test(text.charAt(at))) at += step;
  return text.charAt(at) === character;
}

/** Whether the text is JSON. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The JSON objects that the text consists of; `undefined`: it consists of something else. */
function split(text: string): string[] | undefined {
  const objects: string[] = [];
  for (let rest = text.trim(); rest !== ""; rest = rest.slice(objects.at(-1)?.length).trim()) {
    const object = rest.slice(0, endOfObject(rest));
    if (!isWholeObject(object)) return undefined;
    objects.push(object);
  }
  return objects;
}

/** Where the object at the beginning of the text ends. */
function endOfObject(text: string): number {
  let depth = 0;
  // Strings, with what is escaped in them, and brackets.
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/gs)) {
    if (token === "{") depth += 1;
    if (token === "}") depth -= 1;
    if (depth <= 0) return index + token.length;
  }
  return text.length;
}
