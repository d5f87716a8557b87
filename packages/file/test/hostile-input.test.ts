import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { user } from "@deep-agent/core";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { FileBackend, fromConfig } from "../src/index.ts";

const ID = "user-alice";
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "deep-agent-file-"));
});
afterEach(() => rm(directory, { recursive: true }));

describe("an invented start of a page", () => {
  it.each(["999999999999999-0", "5-0", "300-999999999999999"])("gives a reset: %s", async (place) => {
    const backend = new FileBackend(directory);
    const revision = await backend.append(ID, [user("one")]);
    const page = await backend.read(ID, { before: `${place}@${revision}`, last: 1 });
    expect(page).toMatchObject({ reset: true, records: [{ content: "one" }] });
  });
});

describe("an option that is given as undefined", () => {
  it("does not change what the URL says", () => {
    expect(fromConfig({ url: "file:./here", directory: undefined }).directory).toBe(resolve("here"));
  });
});

describe("a cursor that is not a string", () => {
  it.each([7, null, {}, true])("is INVALID_ARGUMENT: %p", async (cursor) => {
    const backend = new FileBackend(directory);
    await backend.append(ID, [user("one")]);
    const page = backend.recent({ limit: 1, cursor: cursor as unknown as string });
    await expect(page).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("options that their caller changes while a call runs", () => {
  it("do not change the call", async () => {
    const backend = new FileBackend(directory);
    for (const text of ["one", "two"]) await backend.append(ID, [user(text)]);
    const options = { last: 1 };
    const page = backend.read(ID, options);
    options.last = 2;
    expect((await page)?.records).toMatchObject([{ content: "two" }]);
  });
});

describe("a memory whose only turn was cut off", () => {
  it("is absent, and can be written again", async () => {
    const backend = new FileBackend(directory);
    await backend.append(ID, [user("one")]);
    const size = Number((await backend.read(ID))?.revision.split(".")[1]);
    await truncate(join(directory, `${ID}.1.jsonl`), size - 20);
    const cut = await new FileBackend(directory).read(ID);
    expect(cut).toBeNull();
    await new FileBackend(directory).append(ID, [user("two")]);
    expect(await new FileBackend(directory).load(ID)).toMatchObject([{ content: "two" }]);
  });
});

describe("a signal that is aborted in the middle of a call", () => {
  it.each(["load", "info"] as const)("ends %s with its reason", async (method) => {
    const backend = new FileBackend(directory);
    await backend.append(ID, [user("one")]);
    const controller = new AbortController();
    const reason = new Error("enough");
    const called = backend[method](ID, { signal: controller.signal });
    controller.abort(reason);
    await expect(called).rejects.toBe(reason);
  });
});
