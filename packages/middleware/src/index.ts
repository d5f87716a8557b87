export { type RetryOptions, withRetry } from "./calls/with-retry.ts";
export { withTimeout } from "./calls/with-timeout.ts";
export type { Secret } from "./encryption/key-ring.ts";
export { type ReencryptOptions, type ReencryptProgress, reencrypt } from "./encryption/reencrypt.ts";
export { type EncryptionOptions, withEncryption } from "./encryption/with-encryption.ts";
export type { FallbackStatus } from "./fallback/fallback.ts";
export { type FallbackControls, type FallbackOptions, withFallback } from "./fallback/with-fallback.ts";
export type { SameCapabilities } from "./layer/layer.ts";
export { withPrefix } from "./naming/with-prefix.ts";
export { redactText } from "./records/redact-text.ts";
export { type Redact, withRedaction } from "./records/with-redaction.ts";
export {
  enforceRetention,
  type RetentionOptions,
  type RetentionReport,
  withRetention,
} from "./records/with-retention.ts";
