import { describe, expect, it } from "@jest/globals";
import { ClusterCommands } from "../src/wire/cluster/cluster-commands.ts";
import type { ClusterNodes } from "../src/wire/cluster/cluster-nodes.ts";
import { ErrorReply, NoReply } from "../src/wire/failures.ts";
import type { RedisCommand, RedisReply } from "../src/wire/redis-commands.ts";
import { rejectionOf } from "./support/backends.ts";

/*
 * How `ClusterCommands` reacts to the replies of nodes. The nodes here are simulated, to reply what real nodes reply
 * only at rare moments.
 */
type Node = (commands: readonly RedisCommand[]) => readonly RedisReply[] | Promise<readonly RedisReply[]>;

/** Each node has half of the slots. The key "a" is in slot 15495, the key "b" in 3300. */
const A = { key: "a", timeoutMs: 2_000 };

class Played implements ClusterNodes {
  readonly nodes: Record<string, Node>;
  /** The commands that were sent, as "<node> <command> …". */
  readonly sent: string[] = [];
  map: unknown = [
    [0, 8_191, ["n1", 1]],
    [8_192, 16_383, ["n2", 2]],
  ];
  readonly changes: string[][] = [];

  constructor(nodes: Record<string, Node>) {
    this.nodes = nodes;
  }

  known(): string[] {
    return ["n1:1"];
  }

  at(
    address: string,
    isReplica: boolean,
  ): { send: (commands: readonly RedisCommand[]) => Promise<readonly RedisReply[]> } | undefined {
    const node = this.nodes[`${address}${isReplica ? " replica" : ""}`];
    return (
      node && {
        send: async (commands) => {
          this.sent.push(`${address} ${commands.map((command) => command.join(" ")).join(", ")}`);
          if (commands[0]?.[0] === "CLUSTER") return [this.map as RedisReply];
          return node(commands);
        },
      }
    );
  }

  changed(masters: ReadonlySet<string>): void {
    this.changes.push([...masters]);
  }

  close(): void {
    // There is nothing to close.
  }
}

const fine: Node = (commands) => commands.map(([name = ""]) => (name === "ASKING" ? "OK" : "fine"));
const refusing =
  (message: string): Node =>
  (commands) =>
    commands.map(() => new ErrorReply(message));
const silent: Node = () => Promise.reject(new NoReply(true, new Error("timed out after 1 ms")));

describe("a command goes to the node with its key's slot", () => {
  it("by the slot map of a node, which is read once", async () => {
    const nodes = new Played({ "n1:1": fine, "n2:2": fine });
    const cluster = new ClusterCommands(nodes);
    expect(await cluster.send([["GET", "a"]], A)).toEqual(["fine"]);
    expect(await cluster.send([["GET", "b"]], { ...A, key: "b" })).toEqual(["fine"]);
    expect(nodes.sent).toEqual(["n1:1 CLUSTER SLOTS", "n2:2 GET a", "n1:1 GET b"]);
    expect(cluster.serverOf("a")).toBe("n2:2");
  });

  it("after MOVED, and later commands at once", async () => {
    const nodes = new Played({ "n1:1": fine, "n2:2": refusing("MOVED 15495 n1:1") });
    const cluster = new ClusterCommands(nodes);
    expect(
      await cluster.send(
        [
          ["SET", "a"],
          ["WAIT", "1"],
        ],
        A,
      ),
    ).toEqual(["fine", "fine"]);
    expect(nodes.sent.slice(0, 2)).toEqual(["n1:1 CLUSTER SLOTS", "n2:2 SET a, WAIT 1"]);
    expect(nodes.sent).toContain("n1:1 SET a, WAIT 1");
    // It reads the slot map again in the background.
    expect(nodes.sent.filter((line) => line.endsWith("CLUSTER SLOTS")).length).toBeGreaterThan(1);
  });

  it("after MOVED without a host, on the host of the node that replied", async () => {
    const nodes = new Played({ "n1:1": fine, "n2:2": refusing("MOVED 15495 :7"), "n2:7": fine });
    expect(await new ClusterCommands(nodes).send([["GET", "a"]], A)).toEqual(["fine"]);
    expect(nodes.sent).toContain("n2:7 GET a");
  });

  it("after ASK with ASKING, and the next command as before", async () => {
    const nodes = new Played({ "n1:1": fine, "n2:2": refusing("ASK 15495 n1:1") });
    const cluster = new ClusterCommands(nodes);
    expect(
      await cluster.send(
        [
          ["SET", "a"],
          ["WAIT", "1"],
        ],
        A,
      ),
    ).toEqual(["fine", "fine"]);
    expect(nodes.sent.at(-1)).toBe("n1:1 ASKING, SET a, WAIT 1");
    expect(cluster.serverOf("a")).toBe("n2:2");
  });

  it("and a refused ASKING is not mistaken for the reply", async () => {
    const nodes = new Played({
      "n1:1": () => [new ErrorReply("NOPERM no ASKING"), new ErrorReply("MOVED 15495 n2:2")],
      "n2:2": refusing("ASK 15495 n1:1"),
    });
    const [reply] = await new ClusterCommands(nodes).send([["GET", "a"]], A);
    expect(reply).toMatchObject({ message: "NOPERM no ASKING", server: "n1:1" });
  });

  it("but not for ever if nodes disagree", async () => {
    const nodes = new Played({ "n1:1": refusing("MOVED 15495 n2:2"), "n2:2": refusing("MOVED 15495 n1:1") });
    const error = await rejectionOf(new ClusterCommands(nodes).send([["GET", "a"]], A));
    expect(error).toMatchObject({ sent: false, message: "the cluster redirected it too often" });
  });

  it("and an error reply names its node", async () => {
    const nodes = new Played({ "n1:1": fine, "n2:2": refusing("OOM command not allowed") });
    expect(await new ClusterCommands(nodes).send([["SET", "a"]], A)).toEqual([
      new ErrorReply("OOM command not allowed", "n2:2"),
    ]);
  });
});

describe("if a node does not answer", () => {
  it("the slot map is read again before the next command, from another node if possible", async () => {
    const nodes = new Played({ "n1:1": fine, "n2:2": silent, "n3:3": fine });
    const cluster = new ClusterCommands(nodes);
    const error = await rejectionOf(cluster.send([["SET", "a"]], A));
    expect(error).toMatchObject({ sent: true, server: "n2:2" });
    nodes.map = [
      [0, 8_191, ["n1", 1]],
      [8_192, 16_383, ["n3", 3]],
    ];
    expect(await cluster.send([["SET", "a"]], A)).toEqual(["fine"]);
    expect(nodes.sent.slice(-2)).toEqual(["n1:1 CLUSTER SLOTS", "n3:3 SET a"]);
    expect(nodes.changes.at(-1)).toEqual(["n1:1", "n3:3"]);
  });

  it("and no other does, nothing was sent", async () => {
    const nodes = new Played({ "n1:1": fine });
    nodes.known = () => ["n9:9"];
    const error = await rejectionOf(new ClusterCommands(nodes).send([["SET", "a"]], A));
    expect(error).toMatchObject({ sent: false, message: "no node of the cluster is known" });
  });

  it("or the client does not know the node, the client is told", async () => {
    const nodes = new Played({ "n1:1": fine });
    const error = await rejectionOf(new ClusterCommands(nodes).send([["SET", "a"]], A));
    expect(error).toMatchObject({ sent: false, server: "n2:2" });
    expect(nodes.changes.at(-1)).toEqual(["n1:1", "n2:2"]);
  });

  it("because no node serves the slot, the error says so", async () => {
    const nodes = new Played({ "n1:1": fine });
    nodes.map = [[0, 8_191, ["n1", 1]]];
    const error = await rejectionOf(new ClusterCommands(nodes).send([["SET", "a"]], A));
    expect(error).toMatchObject({ sent: false, message: "no node serves slot 15495" });
  });
});

describe("if replicas may answer", () => {
  const withReplica = (replica: Node): Played => {
    const nodes = new Played({ "n1:1": fine, "n2:2": () => ["of the master"], "r2:2 replica": replica });
    nodes.map = [
      [0, 8_191, ["n1", 1]],
      [8_192, 16_383, ["n2", 2], ["r2", 2]],
    ];
    return nodes;
  };
  const read = async (nodes: Played): Promise<readonly RedisReply[]> =>
    new ClusterCommands(nodes).send([["GET", "a"]], { ...A, readOnly: true });

  it("a replica answers", async () => {
    expect(await read(withReplica(() => ["of the replica"]))).toEqual(["of the replica"]);
  });

  it.each<[string, Node]>([
    ["does not answer", silent],
    ["loads its data", refusing("LOADING Redis is loading")],
    ["has lost its master", refusing("MASTERDOWN Link is down")],
    ["is no longer its replica", refusing("MOVED 15495 n2:2")],
  ])("the master does where it %s", async (_what, replica) => {
    expect(await read(withReplica(replica))).toEqual(["of the master"]);
  });

  it("any other error of the replica is the reply", async () => {
    expect(await read(withReplica(refusing("WRONGTYPE")))).toEqual([new ErrorReply("WRONGTYPE")]);
  });
});
