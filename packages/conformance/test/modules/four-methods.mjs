import { checkPlainSave } from "@deep-agent/core/adapter";
import { good } from "../runners/targets.mjs";

// biome-ignore lint/style/noDefaultExport: the program expects a default export.
export default {
  name: "four methods",
  open() {
    const backend = good.open();
    return {
      load: (...args) => backend.load(...args),
      async save(...args) {
        checkPlainSave(...args);
        await backend.save(...args);
      },
      delete: (...args) => backend.delete(...args),
      list: (...args) => backend.list(...args),
    };
  },
};
