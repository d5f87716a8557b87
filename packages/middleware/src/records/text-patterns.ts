/** A part of a text: from the first character to before the last one. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** What may stand between two parts of a message where a reader joins them. */
const SEPARATORS = ["", " ", "\n"];

/** Replaces what patterns match. */
export class TextPatterns {
  readonly #patterns: readonly RegExp[];
  readonly #replacement: string;

  constructor(patterns: readonly RegExp[], replacement: string) {
    // Every match counts, not only the first, or the one where the caller's pattern has stopped.
    this.#patterns = patterns.map(({ source, flags }) => new RegExp(source, `${flags.replace(/[gy]/g, "")}g`));
    this.#replacement = replacement;
  }

  /** The text without its matches. */
  replaceIn(text: string): string {
    return this.#without(text, this.#rangesIn(text));
  }

  /**
   * Texts that stand side by side, without matches in each of them and in all of them joined. A match over several
   * texts is removed from each, and replaced where it begins.
   */
  replaceInNeighbours(texts: readonly string[]): string[] {
    const begins = texts.map((_, index) => texts.slice(0, index).join("").length);
    const ranges = texts.flatMap((text, index) =>
      this.#rangesIn(text).map((range) => moved(range, begins[index] ?? 0)),
    );
    for (const separator of SEPARATORS) ranges.push(...this.#rangesAcross(texts, separator));
    const merged = mergedRanges(ranges);
    return texts.map((text, index) => {
      const begin = begins[index] ?? 0;
      const inside = merged.filter(({ from, to }) => to > begin && from < begin + text.length);
      return this.#without(
        text,
        inside.map((range) => moved(range, -begin)),
      );
    });
  }

  /** The matches in the joined texts, by their places in the texts joined without the separator. */
  #rangesAcross(texts: readonly string[], separator: string): Range[] {
    const joined = texts.join(separator);
    const places: number[] = [];
    let place = 0;
    for (const text of texts) {
      for (let index = 0; index < text.length; index++) places.push(place++);
      for (let index = 0; index < separator.length; index++) places.push(place);
    }
    const placeOf = (index: number): number => places[index] ?? place;
    return this.#rangesIn(joined).map(({ from, to }) => ({ from: placeOf(from), to: placeOf(to) }));
  }

  #rangesIn(text: string): Range[] {
    const matches = this.#patterns.flatMap((pattern) => [...text.matchAll(pattern)]);
    return mergedRanges(matches.map(({ index, 0: match }) => ({ from: index, to: index + match.length })));
  }

  /** `ranges` are in order. One that began in an earlier text begins before 0, and was replaced there. */
  #without(text: string, ranges: readonly Range[]): string {
    let rest = "";
    let end = 0;
    for (const { from, to } of ranges) {
      rest += text.slice(end, Math.max(0, from)) + (from < 0 ? "" : this.#replacement);
      end = to;
    }
    return rest + text.slice(end);
  }
}

function moved({ from, to }: Range, by: number): Range {
  return { from: from + by, to: to + by };
}

/** The ranges in order; those that overlap as one. Ranges without a character are left out. */
function mergedRanges(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const range of ranges.filter(({ from, to }) => to > from).sort((a, b) => a.from - b.from || b.to - a.to)) {
    const last = merged.at(-1);
    if (last !== undefined && range.from < last.to) {
      merged.splice(-1, 1, { from: last.from, to: Math.max(last.to, range.to) });
    } else merged.push(range);
  }
  return merged;
}
