import { describe, expect, it } from "@jest/globals";
import { checkNode } from "../src/contract/check-node.ts";

describe("an import on a Node that is too old", () => {
  it.each(["16.20.2", "18.20.8", "20.20.2", "21.7.3", "22.0.0", "22.2.0", "22.9.0", "22.10.0", "22.11.0"])(
    "fails on %s",
    (version) => {
      expect(() => checkNode(version)).toThrow(`deep-agent needs Node 22.12 or later, not ${version}`);
    },
  );

  it.each(["22.12.0", "22.20.0", "23.0.0", "24.3.0", "26.3.0", "30.1.0"])("goes on with %s", (version) => {
    expect(() => checkNode(version)).not.toThrow();
  });

  it("goes on with the one that runs this", () => {
    expect(() => checkNode()).not.toThrow();
  });
});
