import { good } from "../runners/targets.mjs";

// biome-ignore lint/style/noDefaultExport: this is what the program asks of a module.
export default {
  ...good,
  name: "never answers a ping",
  open() {
    const backend = good.open();
    backend.ping = () => new Promise(() => undefined);
    return backend;
  },
};
