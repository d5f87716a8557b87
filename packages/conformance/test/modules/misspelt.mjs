import { good } from "../runners/targets.mjs";

const { ttl, ...others } = good;

// biome-ignore lint/style/noDefaultExport: this is what the program asks of a module.
export default { ...others, tll: ttl };
