/**
 * The arguments of a call, if a server sent more than one whole object for it: the last of them that is not empty. A
 * server may begin with `{}`, or repeat the whole after its pieces. Any other text is returned as it is.
 */
export function lastObject(text: string): string {
  if (isJson(text)) return text;
  const objects = split(text);
  if (objects === undefined) return text;
  return objects.findLast((object) => !/^\{\s*\}$/.test(object)) ?? objects.at(-1) ?? text;
}

/** Whether the text is a whole JSON object. */
export function isWholeObject(text: string): boolean {
  return text.trimStart().startsWith("{") && isJson(text);
}

function isJson(text: string): boolean {
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
