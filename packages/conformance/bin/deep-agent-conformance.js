#!/usr/bin/env node
import("../dist/cli.js").catch((error) => {
  if (!/needs Node/.test(error?.message)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
