import {
  createSourceFile,
  forEachChild,
  isAsExpression,
  isConstTypeReference,
  isTypeAssertionExpression,
  type Node,
  ScriptTarget,
} from "typescript";

/** A cast: `value as Type`, or `<Type>value`. */
export interface Cast {
  /** Its line, from 1. */
  readonly line: number;
  /** Its source, in one line. */
  readonly text: string;
}

/** The casts of a TypeScript file, without `as const` and `satisfies`: the compiler checks those. */
export function castsIn(source: string): Cast[] {
  const file = createSourceFile("file.ts", source, ScriptTarget.Latest, true);
  const casts: Cast[] = [];
  const visit = (node: Node): void => {
    if ((isAsExpression(node) || isTypeAssertionExpression(node)) && !isConstTypeReference(node.type)) {
      const { line } = file.getLineAndCharacterOfPosition(node.type.getStart());
      casts.push({ line: line + 1, text: node.getText().replaceAll(/\s+/g, " ") });
    }
    forEachChild(node, visit);
  };
  visit(file);
  return casts;
}
