const { conformance } = require("@deep-agent/conformance");
const { describe, it } = require("@jest/globals");
const { broken } = require("../targets.cjs");

conformance({ describe, it }, broken);
