import { good } from "../runners/targets.mjs";

// biome-ignore lint/style/noDefaultExport: the program expects a default export.
export default {
  ...good,
  name: "never answers a ping",
  open() {
    const backend = good.open();
    backend.ping = () => new Promise(() => undefined);
    return backend;
  },
};
