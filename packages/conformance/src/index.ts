export { conformance, type It, type Runner } from "./conformance.ts";
export type { ElsewhereTarget, FileUrl } from "./elsewhere/elsewhere-target.ts";
export { type PromiseReport, type Report, type ReportOptions, report, type TestReport } from "./report.ts";
export { reportText } from "./report-text.ts";
export { BrokenPromise } from "./run-test.ts";
export type { AnyBackend, ConformanceTarget, TtlTarget } from "./target.ts";
