import { good } from "../runners/targets.mjs";

// biome-ignore lint/style/noDefaultExport: this is what the program asks of a module.
export default { ...good, name: "no backend", open: () => null };
