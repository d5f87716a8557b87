/** Whatever can run a redis-server here. */
export interface Engine {
  /** For people to read. */
  readonly name: string;
  /** Whether its servers reach each other on 127.0.0.1, by the ports that this process knows. */
  readonly sharesLoopback: boolean;
  /** Begins to run one on that port of 127.0.0.1; there is an empty configuration file in the folder, or the last one. */
  start(port: number, directory: string, args: readonly string[]): Promise<RunningServer>;
}

/** A redis-server that was started; it may have ended since. */
export interface RunningServer {
  /** The process on this machine: the server, or the client of Docker that waits for it. */
  readonly pid: number;
  isAlive(): boolean;
  /** What it said so far. */
  output(): Promise<string>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Resolves when it has ended, frozen or not. A frozen one does nothing more. */
  kill(): Promise<void>;
  /** Resolves when it has ended, frozen or not. */
  stop(): Promise<void>;
}
