import { describe, expect, it } from "@jest/globals";
import { checkTarget } from "../src/target.ts";

const open = (): never => {
  throw new Error("No test opens it.");
};

describe("an invalid target is rejected, so that no test is silently left out", () => {
  it.each<[unknown, string]>([
    [undefined, "A conformance target is an object"],
    [null, "A conformance target is an object"],
    [open, "A conformance target is an object"],
    [{}, "needs a `name`"],
    [{ name: "", open }, "needs a `name`"],
    [{ name: "x" }, "needs a function `open`"],
    [{ name: "x", open: {} }, "needs a function `open`"],
    [{ name: "x", open, reOpen: open }, 'has no member "reOpen"; it has name, open, close, reopen,'],
    [{ name: "x", open, reopen: true }, "`reopen` of a conformance target must be a function"],
    [{ name: "x", open, close: "y" }, "`close` of a conformance target must be a function"],
    [{ name: "x", open, residue: [] }, "`residue` of a conformance target must be a function"],
    [{ name: "x", open, lose: 1 }, "`lose` of a conformance target must be a function"],
    [{ name: "x", open, concurrentOpen: "no" }, "`concurrentOpen` of a conformance target must be a boolean"],
    [{ name: "x", open, ttl: 60_000 }, "`ttl` of a conformance target needs a function `open`"],
    [{ name: "x", open, ttl: null }, "`ttl` of a conformance target needs a function `open`"],
    [{ name: "x", open, elsewhere: null }, "`elsewhere` of a conformance target is an object { module, args,"],
    [{ name: "x", open, elsewhere: { open } }, "`elsewhere` of a conformance target needs a `module`"],
    [{ name: "x", open, elsewhere: { modul: "/x" } }, '`elsewhere` has no member "modul"; it has module, args,'],
    [{ name: "x", open, elsewhere: { module: "./x.js" } }, "must be an absolute path or a file URL"],
    [{ name: "x", open, elsewhere: { module: "https://x" } }, "must be an absolute path or a file URL"],
    [{ name: "x", open, elsewhere: { module: 7 } }, "must be an absolute path or a file URL"],
    [{ name: "x", open, elsewhere: { module: "/x", args: [] } }, "`elsewhere.args` must be a function"],
    [{ name: "x", open, elsewhere: { module: "/x", open: 1 } }, "`elsewhere.open` must be a function"],
    [{ name: "x", open, elsewhere: { module: "/x", execArgv: "--x" } }, "`elsewhere.execArgv` must be an array"],
    [{ name: "x", open, elsewhere: { module: "/x", thread: 1 } }, "`elsewhere.thread` must be a boolean"],
  ])("%p", (target, message) => {
    expect(() => checkTarget(target)).toThrow(TypeError);
    expect(() => checkTarget(target)).toThrow(message);
  });

  it.each<[unknown]>([
    [{ name: "x", open }],
    [{ name: "x", open, close: undefined, reopen: undefined, concurrentOpen: undefined, ttl: undefined }],
    [{ name: "x", open, elsewhere: { module: "/x" } }],
    [{ name: "x", open, elsewhere: { module: new URL("file:///x"), args: open, open, execArgv: [], thread: true } }],
    [{ name: "x", open, close: open, reopen: open, concurrentOpen: false, residue: open, lose: open, ttl: { open } }],
  ])("but not the valid target %p", (target) => {
    expect(() => checkTarget(target)).not.toThrow();
  });
});
