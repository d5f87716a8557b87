// Shared by every package, and run in the package's own folder. A package's tests import its source, which is compiled
// to CommonJS on the way; of other packages they get the build.
export default {
  rootDir: process.cwd(),
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  transform: { "\\.ts$": ["@swc/jest", { jsc: { target: "es2023" } }] },
  // Packages are tested one after the other, so each may have the whole machine.
  maxWorkers: "100%",
  // Room for tests that start processes of their own, on a slow machine.
  testTimeout: 30_000,
};
