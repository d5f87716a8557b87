import type { Part } from "../torture-part.ts";
export const damage: Part = async () => [];
