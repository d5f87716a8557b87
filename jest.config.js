// Shared by every package, and run in the package's own folder. A package's tests import its source, which is compiled
// to CommonJS on the way; of other packages they get the build.
export default {
  rootDir: process.cwd(),
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  transform: { "\\.ts$": ["@swc/jest", { jsc: { target: "es2023" } }] },
  // Packages are tested one after the other, so each may have the whole machine.
  maxWorkers: "100%",
  // A guard against hanging, not a measure: machines are slow, and some tests start processes of their own.
  testTimeout: 180_000,
};
