import { good } from "../runners/targets.mjs";

export const name = "exported by name";
export const open = good.open;
export const ttl = good.ttl;
