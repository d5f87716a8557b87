import { conformance } from "@deep-agent/conformance";
import { describe, it } from "mocha";
import { broken } from "../targets.mjs";

conformance({ describe, it }, broken);
