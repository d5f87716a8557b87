import { setImmediate as tick } from "node:timers/promises";

// biome-ignore lint/style/noDefaultExport: the program expects a default export.
export default {
  name: "no-server",
  async open() {
    void Promise.reject(new Error("The name was not resolved."));
    await tick();
    throw new Error("There is no server.");
  },
};
