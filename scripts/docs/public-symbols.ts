import { join, relative } from "node:path";
import ts from "typescript";
import { faultOf } from "./doc-text.ts";
import { filesOf } from "./files.ts";
import { type Package, packagesOf } from "./packages.ts";
import type { Problem } from "./problem.ts";

/** A symbol or a member of one, at the place of its declaration. */
interface PublicSymbol {
  readonly name: string;
  readonly symbol: ts.Symbol;
  readonly declaration: ts.Declaration;
}

/**
 * Every symbol that a package of the tree exports, and every member of it, has a text. A class's member has the text of
 * the interface's member that it implements. Asked for are those of the package itself: what it passes on from another
 * package is documented there.
 */
export function symbolProblems(
  root: string,
  files: readonly string[],
  repository: string,
): { symbols: number; problems: Problem[] } {
  const published = packagesOf(root, files);
  const packages = published.length > 0 ? published : looseModules(files);
  const doors = packages.flatMap(({ folder, doors }) => [...doors.values()].map((door) => join(root, folder, door)));
  if (doors.length === 0) return { symbols: 0, problems: [] };
  const paths = { ...pathsOf(repository, packagesOf(repository, filesOf(repository))), ...pathsOf(root, published) };
  const program = ts.createProgram(doors, { ...compilerOptions, paths });
  const checker = program.getTypeChecker();
  const seen = new Set<ts.Symbol>();
  const problems: Problem[] = [];
  for (const { folder, doors } of packages) {
    const home = join(root, folder);
    for (const door of doors.values()) {
      for (const { name, symbol, declaration } of publicSymbols(program, join(home, door), home)) {
        if (seen.has(symbol)) continue;
        seen.add(symbol);
        const fault = faultOf(symbol, declaration, checker);
        if (fault === null) continue;
        const source = declaration.getSourceFile();
        const { line } = source.getLineAndCharacterOfPosition(declaration.getStart(source));
        const file = relative(root, source.fileName).replaceAll("\\", "/");
        problems.push({ file, line: line + 1, text: `${name} ${fault}` });
      }
    }
  }
  return { symbols: seen.size, problems };
}

const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ["lib.es2024.d.ts", "lib.esnext.disposable.d.ts"],
  module: ts.ModuleKind.NodeNext,
  moduleDetection: ts.ModuleDetectionKind.Force,
  allowImportingTsExtensions: true,
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  types: [],
};

/** Of a tree without packages: its `index.ts`, or else all its modules. */
function looseModules(files: readonly string[]): Package[] {
  const modules = files.filter(
    (file) => /(?<!\.d|\.test|\.config)\.[cm]?ts$/.test(file) && !/(?:^|\/)(?:examples|tests?|scripts)\//.test(file),
  );
  const indexes = modules.filter((file) => /(?:^|\/)index\.ts$/.test(file));
  return [{ folder: ".", doors: new Map((indexes.length > 0 ? indexes : modules).map((file) => [file, file])) }];
}

/** Where the compiler finds packages: at their sources, so that none has to be built. */
function pathsOf(root: string, packages: readonly Package[]): Record<string, string[]> {
  return Object.fromEntries(
    packages.flatMap(({ folder, doors }) => [...doors].map(([name, source]) => [name, [join(root, folder, source)]])),
  );
}

function* publicSymbols(program: ts.Program, door: string, home: string): Generator<PublicSymbol> {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(door);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) return;
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const declaration = symbol.declarations?.[0];
    if (!declaration || !isWithin(home, declaration)) continue;
    yield { name: exported.name, symbol, declaration };
    const members = symbol.declarations?.flatMap((each) => [...membersOf(each, exported.name)]) ?? [];
    for (const { name, member } of members) {
      const of = checker.getSymbolAtLocation(member.name ?? member);
      if (of) yield { name, symbol: of, declaration: member };
    }
  }
}

function isWithin(home: string, declaration: ts.Declaration): boolean {
  const path = relative(home, declaration.getSourceFile().fileName);
  return !path.startsWith("..") && !/(?:^|[\\/])(?:node_modules|dist)[\\/]/.test(path);
}

type Member = ts.ClassElement | ts.TypeElement | ts.EnumMember;

interface NamedMember {
  readonly name: string;
  readonly member: Member;
}

/** The members that users see, and those of the object types that stand in their types or are returned. */
function* membersOf(declaration: ts.Declaration, name: string): Generator<NamedMember> {
  if (ts.isTypeAliasDeclaration(declaration)) yield* literalMembers(declaration.type, name);
  if (ts.isEnumDeclaration(declaration)) yield* named(declaration.members, name);
  if (ts.isFunctionDeclaration(declaration)) yield* literalMembers(declaration.type, name);
  if (ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration)) {
    yield* named(declaration.members, name);
  }
}

/** Not those that are private or internal. What has several declarations is documented at the first. */
function* named(members: readonly Member[], of: string): Generator<NamedMember> {
  const names = new Set<string>();
  for (const member of members) {
    const name = member.name?.getText();
    if (name === undefined || names.has(name) || isHidden(member)) continue;
    names.add(name);
    yield { name: `${of}.${name}`, member };
    if (ts.isPropertySignature(member) || ts.isMethodSignature(member))
      yield* literalMembers(member.type, `${of}.${name}`);
    if (ts.isPropertyDeclaration(member) || ts.isMethodDeclaration(member)) {
      yield* literalMembers(member.type, `${of}.${name}`);
    }
  }
}

function isHidden(member: Member): boolean {
  if (member.name && ts.isPrivateIdentifier(member.name)) return true;
  if (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) return true;
  return ts.getJSDocTags(member).some(({ tagName }) => tagName.text === "internal");
}

/** The members of the object types that a type is made of: `Promise<{ latencyMs: number }>` has one. */
function* literalMembers(type: ts.Node | undefined, name: string): Generator<NamedMember> {
  if (type === undefined || ts.isFunctionTypeNode(type)) return;
  if (ts.isTypeLiteralNode(type)) {
    yield* named(type.members, name);
    return;
  }
  const parts: ts.Node[] = [];
  ts.forEachChild(type, (part) => void parts.push(part));
  for (const part of parts) yield* literalMembers(part, name);
}
