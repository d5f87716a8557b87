import { conformance } from "@deep-agent/conformance";
import { describe, it } from "@jest/globals";
import { broken } from "../targets.mjs";

conformance({ describe, it }, broken);
