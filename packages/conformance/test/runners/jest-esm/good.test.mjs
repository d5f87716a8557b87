import { conformance } from "@deep-agent/conformance";
import { describe, it } from "@jest/globals";
import { good } from "../targets.mjs";

conformance({ describe, it }, good);
