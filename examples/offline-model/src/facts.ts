/** A fact that users told about themselves. */
export interface Fact {
  /** The subject of the fact, in one spelling: "favorite color", "live", "allergic to". */
  topic: string;
  /** The fact as an answer: "Your favourite colour is blue." */
  saidBack: string;
}

/** How users tell facts. The topic is what the pattern captures, or the given one. */
const told: readonly { pattern: RegExp; topic?: string }[] = [
  { pattern: /^my (.+?) (?:is|are) .+/i },
  { pattern: /^i have (?:an? )?(.+?) (?:called|named) .+/i },
  { pattern: /^(?:call me|i am called) .+/i, topic: "name" },
  { pattern: /^(?:I am|i am) (?:[A-Z]\w*)(?: [A-Z]\w*)*$/, topic: "name" },
  { pattern: /^i am ((?:\w+ )?(?:to|from|with|of|at|in|by)) .+/i },
  { pattern: /^i (?!am |have )(\w+) .+/i },
];

/** How users ask for facts, without polite words before the question. */
const asked: readonly RegExp[] = [
  /^(?:(?:what|who|where|when|which|how old) (?:is|are|was) )?(?:the name of )?my (.+?)(?: is| are)?$/i,
  /^what my (.+) (?:is|are)$/i,
  /^(?:what|who|where) (?:am i|i am) (.+)$/i,
  /^(?:what|who|where|which \w+) (?:do i|i) (\w+)/i,
];

const polite =
  /^(?:(?:and|so|now|please|hi|hello|hey|then),? )*(?:(?:do|can|could) you (?:still )?(?:know|remember|recall|tell me) |(?:please )?(?:tell|remind) me )?(?:again )?/i;

/** The facts in the text, in their order. */
export function factsIn(text: string): Fact[] {
  return sentencesOf(text)
    .filter((sentence) => !isQuestion(sentence))
    .flatMap((sentence) => {
      const fact = bare(sentence).replace(/^(?:(?:and|also|well|hi|hello|hey|so),? )+/i, "");
      const match = told
        .map(({ pattern, topic }) => ({ caught: pattern.exec(fact), topic }))
        .find(({ caught }) => caught);
      if (match === undefined) return [];
      return [{ topic: spelling(match.topic ?? match.caught?.[1] ?? ""), saidBack: saidBack(fact) }];
    });
}

/** The topics that the text asks for, one for each question; `undefined` for a question about something else. */
export function questionsIn(text: string): (string | undefined)[] {
  return sentencesOf(text)
    .filter(isQuestion)
    .map((sentence) => {
      const question = bare(sentence).replace(polite, "");
      const topic = asked.map((pattern) => pattern.exec(question)?.[1]).find((caught) => caught !== undefined);
      return topic === undefined ? undefined : spelling(topic);
    });
}

function sentencesOf(text: string): string[] {
  return text
    .replaceAll("’", "'")
    .split(/(?<=[.!?;])\s+|\n/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== "");
}

function isQuestion(sentence: string): boolean {
  return sentence.endsWith("?") || /^(?:what|who|where|when|which|how|(?:do|can|could) you)\b/i.test(sentence);
}

/** The sentence without its final punctuation and without short forms. */
function bare(sentence: string): string {
  return sentence
    .replace(/[.!?;]+$/, "")
    .replace(/\bi'm\b/gi, "I am")
    .replace(/\b(what|who|where|when)'s\b/gi, "$1 is");
}

/** One topic for British and American spellings, a dog and the dog's name, singular and plural. */
function spelling(topic: string): string {
  return topic
    .toLowerCase()
    .replace(/(?:'s name| called| named)$/, "")
    .replace(/our\b/g, "or")
    .replace(/favour/g, "favor")
    .replace(/s$/, "")
    .trim();
}

function saidBack(sentence: string): string {
  const turned = sentence
    .replace(/^call me\b/i, "your name is")
    .replace(/\bi am\b/gi, "you are")
    .replace(/\bi\b/gi, "you")
    .replace(/\bmy\b/gi, "your")
    .replace(/\bme\b/gi, "you");
  return `${turned.charAt(0).toUpperCase()}${turned.slice(1)}.`;
}
