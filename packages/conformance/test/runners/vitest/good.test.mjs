import { conformance } from "@deep-agent/conformance";
import { describe, it } from "vitest";
import { good } from "../targets.mjs";

conformance({ describe, it }, good);
