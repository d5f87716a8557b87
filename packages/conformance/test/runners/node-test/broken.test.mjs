import { describe, it } from "node:test";
import { conformance } from "@deep-agent/conformance";
import { broken } from "../targets.mjs";

conformance({ describe, it }, broken);
