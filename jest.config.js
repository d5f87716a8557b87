// Every package uses this, in its own folder. A package's tests import its own source, which is compiled to CommonJS on
// loading, and the build of other packages.
export default {
  rootDir: process.cwd(),
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  transform: { "\\.ts$": ["@swc/jest", { jsc: { target: "es2023" } }] },
  // Packages are tested one after another, so each may use the whole machine.
  maxWorkers: "100%",
  // A guard against hanging, not a measure of speed: machines are slow, and some tests start processes of their own.
  testTimeout: 180_000,
};
