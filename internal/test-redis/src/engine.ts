/** Runs redis-servers on this machine. */
export interface Engine {
  /** A name for people to read. */
  readonly name: string;
  /** Whether the servers reach each other on 127.0.0.1, at the ports that this process knows. */
  readonly sharesLoopback: boolean;
  /**
   * Starts a server on the port of 127.0.0.1. The folder holds a configuration file: an empty one, or that of the last
   * run.
   */
  start(port: number, directory: string, args: readonly string[]): Promise<RunningServer>;
}

/** A redis-server that was started; it may have ended since. */
export interface RunningServer {
  /** The process on this machine: the server, or the client of Docker that waits for it. */
  readonly pid: number;
  isAlive(): boolean;
  /** The server's output and log so far. */
  output(): Promise<string>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Kills the server, frozen or not, and resolves when it has ended. A frozen server does nothing more. */
  kill(): Promise<void>;
  /** Stops the server in an orderly way, frozen or not, and resolves when it has ended. */
  stop(): Promise<void>;
}
