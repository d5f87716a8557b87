import { good } from "../runners/targets.mjs";

// biome-ignore lint/style/noDefaultExport: this is what the program asks of a module.
export default {
  ...good,
  name: "throws when nobody looks",
  open() {
    setImmediate(() => {
      throw new Error("The connection was lost.");
    });
    return good.open();
  },
};
