import { good } from "../runners/targets.mjs";

// biome-ignore lint/style/noDefaultExport: this is what the program asks of a module.
export default {
  ...good,
  name: "leaves rejections to whoever may come",
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
