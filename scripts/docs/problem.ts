/** Something that is wrong with the documentation, and where. */
export interface Problem {
  /** A path from the root of the tree. */
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
  readonly text: string;
}

/** Problems by file and line, each once. */
export function sorted(problems: readonly Problem[]): Problem[] {
  const unique = new Map(problems.map((problem) => [shown(problem), problem]));
  return [...unique.values()].sort((one, other) =>
    one.file === other.file ? one.line - other.line : one.file < other.file ? -1 : 1,
  );
}

export function shown({ file, line, text }: Problem): string {
  return `${file}:${line}: ${text}`;
}
