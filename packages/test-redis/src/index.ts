export { type Certificates, certificates } from "./certificates.ts";
export type { Engine, RunningServer } from "./engine.ts";
export { type Action, type Counts, LossyProxy, type Rule, startProxy } from "./proxy.ts";
export { type RedisServer, type RedisServerOptions, startRedis } from "./redis-server.ts";
