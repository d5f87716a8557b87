const { conformance } = require("@deep-agent/conformance");
const { describe, it } = require("@jest/globals");
const { good } = require("../targets.cjs");

conformance({ describe, it }, good);
