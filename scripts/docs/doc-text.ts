import ts from "typescript";

/** Words that say what holds if an option is left out. */
const SAYS_ABSENCE =
  /\b(?:defaults?|absen(?:t|ce)|omit(?:s|ted)?|left out|undefined|null|unless|otherwise|without|unset|not (?:given|set)|none|never|if|either|instead|in (?:the )?place of|needed|required)\b/i;

/** What is wrong with the text of a public symbol; `null` if nothing is. */
export function faultOf(symbol: ts.Symbol, declaration: ts.Declaration, checker: ts.TypeChecker): string | null {
  const text = ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
  if (text === "") return "has no text";
  if (wordsOf(text) === wordsOf(symbol.name)) return "has a text that only repeats its name";
  if (!isOption(declaration) || SAYS_ABSENCE.test(text)) return null;
  const tags = symbol.getJsDocTags(checker).map(({ name }) => name);
  // What is called may be nothing: that it is not called then goes without saying.
  return tags.includes("default") || tags.includes("defaultValue") || /^Called\b/.test(text)
    ? null
    : "is optional, and its text does not say what holds if it is absent";
}

/** An optional member of an interface whose name ends with "Options". */
function isOption(declaration: ts.Declaration): boolean {
  return (
    ts.isPropertySignature(declaration) &&
    declaration.questionToken !== undefined &&
    ts.isInterfaceDeclaration(declaration.parent) &&
    declaration.parent.name.text.endsWith("Options")
  );
}

/** A text or a name as its words alone: `memoryId` and "The memory's id." are the same. */
function wordsOf(text: string): string {
  return text
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .replace(/['’]s\b/g, "")
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => !["", "a", "an", "the", "its", "this", "of"].includes(word))
    .join(" ");
}
