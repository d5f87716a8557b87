import { describe, it } from "node:test";
import { conformance } from "@deep-agent/conformance";
import { good } from "../targets.mjs";

conformance({ describe, it }, good);
