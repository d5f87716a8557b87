import { good } from "../runners/targets.mjs";

// biome-ignore lint/style/noDefaultExport: the program expects a default export.
export default {
  ...good,
  name: "leaves a rejection unhandled",
  open() {
    const backend = good.open();
    const ping = backend.ping.bind(backend);
    backend.ping = (...args) => {
      void Promise.reject(new Error("Nobody waits for this."));
      return ping(...args);
    };
    return backend;
  },
};
