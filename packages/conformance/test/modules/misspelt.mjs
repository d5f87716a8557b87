import { good } from "../runners/targets.mjs";

const { ttl, ...others } = good;

// biome-ignore lint/style/noDefaultExport: the program expects a default export.
export default { ...others, tll: ttl };
