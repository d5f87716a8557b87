import { describe, it } from "@jest/globals";
import { conformance } from "../src/index.ts";
import { inMemory } from "./in-memory-target.ts";

conformance({ describe, it }, inMemory);
