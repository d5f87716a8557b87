import { good } from "../runners/targets.mjs";

// biome-ignore lint/style/noDefaultExport: the program expects a default export.
export default {
  ...good,
  name: "throws outside of every call",
  open() {
    setImmediate(() => {
      throw new Error("The connection was lost.");
    });
    return good.open();
  },
};
