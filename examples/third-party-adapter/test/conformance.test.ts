import { describe, it } from "node:test";
import { conformance } from "@deep-agent/conformance";
import * as target from "./target.ts";

conformance({ describe, it }, target);
