import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { openBackend } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import { nodeFileSystem } from "../src/file-system.ts";
import { FileBackend, type FileBackendOptions, fromConfig } from "../src/index.ts";
import { notes, temporaryDirectory } from "./support/backends.ts";

describe("the directory of the files is chosen", () => {
  it.each<[string, string | FileBackendOptions | undefined, string]>([
    ["by default", undefined, join(homedir(), ".deep-agent", "memories")],
    ["by a path relative to the working directory", "./memories", resolve("memories")],
    ["by an absolute path", "/var/memories", "/var/memories"],
    ["by an option", { directory: "x/../y" }, resolve("y")],
    ["by an option that is undefined", { directory: undefined }, join(homedir(), ".deep-agent", "memories")],
  ])("%s", (_how, options, directory) => {
    expect(new FileBackend(options).directory).toBe(directory);
  });

  it.each([
    ["file:", join(homedir(), ".deep-agent", "memories")],
    ["file:./memories", resolve("memories")],
    ["file:memories", resolve("memories")],
    ["file:/var/memories", "/var/memories"],
    ["file:///var/memories", "/var/memories"],
    ["FILE:///var/memories", "/var/memories"],
    ["file:///var/my%20memories", "/var/my memories"],
    ["file:./my%20memories", resolve("my memories")],
    ["file:./a?durability=os&onCorrupt=skip", resolve("a")],
    ["file:./a?compactAt=0.25&compactMinBytes=4096", resolve("a")],
    ["file:./a?compactAt=false", resolve("a")],
    [pathToFileURL("/var/a#b?c%d").href, "/var/a#b?c%d"],
  ])("by the address %s", (url, directory) => {
    expect(fromConfig({ url }).directory).toBe(directory);
  });

  it("by options, which win over a URL", () => {
    expect(fromConfig({ adapter: "@deep-agent/file", url: "file:./a", directory: "/b" }).directory).toBe("/b");
  });

  it("and `openBackend` finds it", async () => {
    const directory = temporaryDirectory();
    const load = (): Promise<unknown> => import("../src/index.ts");
    for (const config of [`file:${directory}?durability=os`, { adapter: "@deep-agent/file", directory }]) {
      const backend = await openBackend(config, { load });
      expect(await backend.load("alice")).toBeNull();
      expect(backend).toMatchObject({ directory });
    }
  });
});

describe("an invalid option is refused when the backend is made", () => {
  it.each<[string, unknown]>([
    ["an unknown option", { dir: "x" }],
    ["an empty directory", { directory: "" }],
    ["an empty path", ""],
    ["a directory that is a number", { directory: 7 }],
    ["a NUL in the path", "a\0b"],
    ["another durability", { durability: "none" }],
    ["another policy", { onCorrupt: "ignore" }],
    ["a TTL", { ttl: "7d" }],
    ["a share above 1", { compactAt: 1.5 }],
    ["a share as a string", { compactAt: "0.5" }],
    ["a share of NaN", { compactAt: Number.NaN }],
    ["compaction at true", { compactAt: true }],
    ["half a byte", { compactMinBytes: 0.5 }],
    ["a negative number of bytes", { compactMinBytes: -1 }],
    ["null", null],
    ["a number", 7],
  ])("%s", (_what, options) => {
    expect(() => new FileBackend(options as FileBackendOptions)).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", backend: "file", hint: expect.stringContaining("durability") }),
    );
  });

  it.each([
    "file:./a?durability=none",
    "file:./a?onCorrupt=",
    "file:./a?compactAt=half",
    "file:./a?compactAt=",
    "file:./a?compactAt=2",
    "file:./a?compactMinBytes=1e400",
    "file:./a?compactMinBytes=-1",
    "file:./a?toString=1",
    "file:./a?ttl=7d",
    "file:./a%ZZ",
    "file://elsewhere/a",
    "file:///a%2Fb",
    "file:a%00b",
    "file:///a%00b",
    "file:///a#b",
    "redis://localhost",
    "./memories",
    "",
  ])("the address %j", (url) => {
    expect(() => fromConfig({ url })).toThrow(expect.objectContaining({ code: "INVALID_CONFIG", backend: "file" }));
  });

  it("a URL that is not a string", () => {
    expect(() => fromConfig({ url: 7 as unknown as string })).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG" }),
    );
  });
});

describe("the directory is made when it is needed", () => {
  it("with its parents, and the name of each is flushed", async () => {
    const top = temporaryDirectory();
    const flushed: string[] = [];
    const backend = new FileBackend({
      directory: join(top, "a", "b", "c"),
      fileSystem: {
        ...nodeFileSystem,
        syncDirectory: (path) => {
          flushed.push(path);
          return nodeFileSystem.syncDirectory(path);
        },
      },
    });
    expect(existsSync(join(top, "a"))).toBe(false);
    await backend.append("alice", [{ role: "user", content: "hi", id: "1", createdAt: 1 }] as never);
    expect(flushed).toEqual([top, join(top, "a"), join(top, "a", "b"), join(top, "a", "b", "c")]);
  });

  it.each(["a file", "a broken link"])("unless %s is in its place", async (what) => {
    const place = join(temporaryDirectory(), "memories");
    if (what === "a file") writeFileSync(place, "mine");
    else symlinkSync(join(place, "..", "nowhere"), place);
    const backend = new FileBackend<{ n: number }>(place);
    await expect(backend.append("alice", notes(0, 1))).rejects.toMatchObject({
      code: "UNAVAILABLE",
      outcome: "not-applied",
      retryable: false,
      memoryId: "alice",
      message: expect.stringContaining(place),
    });
  });
});
