import { setImmediate as tick } from "node:timers/promises";
import { good } from "../runners/targets.mjs";

let opened = 0;

// biome-ignore lint/style/noDefaultExport: the program expects a default export.
export default {
  ...good,
  name: "fails at its first connection",
  async open() {
    if (opened++ === 0) {
      void Promise.reject(new Error("The first connection was lost."));
      await tick();
    }
    return good.open();
  },
};
