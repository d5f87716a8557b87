import { conformance } from "@deep-agent/conformance";
import { describe, it } from "vitest";
import { broken } from "../targets.mjs";

conformance({ describe, it }, broken);
