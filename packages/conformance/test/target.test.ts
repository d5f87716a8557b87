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
  ])("%p", (target, message) => {
    expect(() => checkTarget(target)).toThrow(TypeError);
    expect(() => checkTarget(target)).toThrow(message);
  });

  it.each<[unknown]>([
    [{ name: "x", open }],
    [{ name: "x", open, close: undefined, reopen: undefined, concurrentOpen: undefined, ttl: undefined }],
    [{ name: "x", open, close: open, reopen: open, concurrentOpen: false, residue: open, lose: open, ttl: { open } }],
  ])("but not the valid target %p", (target) => {
    expect(() => checkTarget(target)).not.toThrow();
  });
});
