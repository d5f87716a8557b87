/** Numbers that careless stores change. -0 is not among them, as JSON makes it 0. */
export const edgesOfNumbers: readonly number[] = [
  0,
  1,
  -1,
  0.1,
  1 / 3,
  1e21,
  1e-7,
  123456789012345680000,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
  Number.EPSILON,
  -1e-323,
  0.1 + 0.2,
  1.005,
  4.35,
  100,
  1e300,
  123456.789012345,
  1_700_000_000_000,
  -2_147_483_649,
];

/** Texts that revivers, serialisers and parsers take for other values. */
export const lookalikes: readonly string[] = [
  "",
  " ",
  "\0",
  "null",
  "undefined",
  "NaN",
  "true",
  "0",
  "-0",
  "1e5",
  "[]",
  "{}",
  '{"n":1}',
  "2020-01-01T00:00:00.000Z",
  "/Date(0)/",
  ":base64:aGk=",
  ":text",
  "::",
  "data:,",
  "__proto__",
  "[object Object]",
  "\r",
  "\r\n",
  "line\nline\n",
  "\u2028\u2029",
  "\ufeffbom",
  " padded ",
  "tab\t",
  '"quoted"',
  "back\\slash",
  "\\u0041",
  "%00%2F",
  "'; DROP TABLE memories; --",
  `$${"{x}"}`,
  "{{x}}",
  '{"t":"op","at":1,"r":[{"n":1}]}',
  "#1 x 1 1 1 0",
  "false",
  "yes",
  "~",
  "-Infinity",
  "0x10",
  "007",
  "+1",
  "1.0",
  "2020-01-01",
  "12:30",
  "/a/g",
  "() => 1",
  "e7c1f4e2-1f0b-4c57-9d0e-6f1a2b3c4d5e",
  "aGk=",
  "%s %d",
  "<b>&amp;</b>",
  "a\u0000b\u0001c",
  "ends in a backslash\\",
];

/** Values that a store takes for no value if it asks only whether they are falsy, or empty. */
export const emptyValues: readonly unknown[] = [
  false,
  0,
  "",
  null,
  [],
  {},
  [[]],
  [{}],
  [null],
  [""],
  { a: {} },
  { a: [] },
];

/** Keys that every object has, or that have a meaning in some stores. */
export const oddKeys: readonly string[] = [
  "",
  " ",
  "0",
  "10",
  "-1",
  "constructor",
  "prototype",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "length",
  "then",
  "toJson",
  "$set",
  "a.b",
  "a b",
  "é",
  "e\u0301",
  "😀",
  "\n",
  "\0",
  "_id",
  "id",
  "r",
  "t",
  "at",
  "value",
  "expires",
  "toJSON",
  "__type",
  "__defineGetter__",
  "$date",
  "$oid",
  "$ref",
  "@type",
  "1e3",
  "0x1",
  "null",
  "undefined",
  "a[0]",
  "a:b",
  "a/b",
  "'",
  '"',
  "\\",
  "A",
  "a",
  "k".repeat(70_000),
];

/** Every code point except the surrogates, in texts of up to 16,384 characters. */
export function allOfUnicode(): string[] {
  const texts: string[] = [];
  let points: number[] = [];
  const cut = (): void => {
    texts.push(String.fromCodePoint(...points));
    points = [];
  };
  for (let point = 0; point <= 0x10ffff; point++) {
    if (point < 0xd800 || point > 0xdfff) points.push(point);
    if (points.length === 0x4000) cut();
  }
  if (points.length > 0) cut();
  return texts;
}

/** A value within `depth` objects and arrays, in turn. */
export function nested(depth: number): unknown {
  let value: unknown = "bottom";
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { in: value };
  return value;
}
