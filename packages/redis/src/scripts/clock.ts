import { type Script, script } from "./script.ts";

export interface ClockReply {
  readonly what: "clock";
  /** The server's time in µs since 1970. */
  readonly now: number;
}

/**
 * Reads the clock of the server that runs the scripts. A proxy may answer the command TIME by its own clock, or refuse
 * it: it has no key, so the proxy cannot know which server to ask.
 */
export const CLOCK: Script<{ readonly key: string }, ClockReply> = script(
  `
local clock = redis.call('TIME')
return {'clock', clock[1] .. string.sub('00000' .. clock[2], -6)}
`,
  ({ key }) => ({ keys: [key], args: [] }),
  ([, now]) => ({ what: "clock", now: Number(now) }),
);
