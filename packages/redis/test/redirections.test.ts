import { describe, expect, it } from "@jest/globals";
import { ClusterCommands } from "../src/wire/cluster/cluster-commands.ts";
import type { ClusterNodes } from "../src/wire/cluster/cluster-nodes.ts";
import { ErrorReply, NoReply } from "../src/wire/failures.ts";
import type { RedisCommand, RedisReply } from "../src/wire/redis-commands.ts";
import { rejectionOf } from "./support/backends.ts";

/*
 * What the router of a cluster does with what nodes answer: nodes that are played here say what real ones say only at rare moments.
 */
type Node = (commands: readonly RedisCommand[]) => readonly RedisReply[] | Promise<readonly RedisReply[]>;

/** A slot of its own for each half; the key "a" is in slot 15495, "b" in 3300. */
const A = { key: "a", timeoutMs: 2_000 };

class Played implements ClusterNodes {
  readonly nodes: Record<string, Node>;
  /** What was sent, as "<node> <command> …". */
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
const silent: Node = () => Promise.reject(new NoReply(true, new Error("nothing within 1 ms")));

describe("a command goes where its key's slot is", () => {
  it("by the map that a node tells, read once", async () => {
    const nodes = new Played({ "n1:1": fine, "n2:2": fine });
    const cluster = new ClusterCommands(nodes);
    expect(await cluster.send([["GET", "a"]], A)).toEqual(["fine"]);
    expect(await cluster.send([["GET", "b"]], { ...A, key: "b" })).toEqual(["fine"]);
    expect(nodes.sent).toEqual(["n1:1 CLUSTER SLOTS", "n2:2 GET a", "n1:1 GET b"]);
    expect(cluster.serverOf("a")).toBe("n2:2");
  });

  it("where a node says it has moved, and then there at once", async () => {
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
    // It asks how the others are, in the background.
    expect(nodes.sent.filter((line) => line.endsWith("CLUSTER SLOTS")).length).toBeGreaterThan(1);
  });

  it("without a host, to that of the node that said so", async () => {
    const nodes = new Played({ "n1:1": fine, "n2:2": refusing("MOVED 15495 :7"), "n2:7": fine });
    expect(await new ClusterCommands(nodes).send([["GET", "a"]], A)).toEqual(["fine"]);
    expect(nodes.sent).toContain("n2:7 GET a");
  });

  it("where it is on its way, told so, and the next one as before", async () => {
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

  it("and what the node there says of being asked is not taken for its answer", async () => {
    const nodes = new Played({
      "n1:1": () => [new ErrorReply("NOPERM no ASKING"), new ErrorReply("MOVED 15495 n2:2")],
      "n2:2": refusing("ASK 15495 n1:1"),
    });
    const [reply] = await new ClusterCommands(nodes).send([["GET", "a"]], A);
    expect(reply).toMatchObject({ message: "NOPERM no ASKING", server: "n1:1" });
  });

  it("but not for ever, where nodes do not agree", async () => {
    const nodes = new Played({ "n1:1": refusing("MOVED 15495 n2:2"), "n2:2": refusing("MOVED 15495 n1:1") });
    const error = await rejectionOf(new ClusterCommands(nodes).send([["GET", "a"]], A));
    expect(error).toMatchObject({ sent: false, message: "its nodes send it from one to the other" });
  });

  it("and the answer names the node that refused it", async () => {
    const nodes = new Played({ "n1:1": fine, "n2:2": refusing("OOM command not allowed") });
    expect(await new ClusterCommands(nodes).send([["SET", "a"]], A)).toEqual([
      new ErrorReply("OOM command not allowed", "n2:2"),
    ]);
  });
});

describe("where a node does not answer", () => {
  it("the map is read anew before the next command, from another one if there is one", async () => {
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

  it("nor any other, nothing was sent", async () => {
    const nodes = new Played({ "n1:1": fine });
    nodes.known = () => ["n9:9"];
    const error = await rejectionOf(new ClusterCommands(nodes).send([["SET", "a"]], A));
    expect(error).toMatchObject({ sent: false, message: "no node of the cluster is known" });
  });

  it("and one that the client does not know is told of to it", async () => {
    const nodes = new Played({ "n1:1": fine });
    const error = await rejectionOf(new ClusterCommands(nodes).send([["SET", "a"]], A));
    expect(error).toMatchObject({ sent: false, server: "n2:2" });
    expect(nodes.changes.at(-1)).toEqual(["n1:1", "n2:2"]);
  });

  it("and for a slot that nobody serves", async () => {
    const nodes = new Played({ "n1:1": fine });
    nodes.map = [[0, 8_191, ["n1", 1]]];
    const error = await rejectionOf(new ClusterCommands(nodes).send([["SET", "a"]], A));
    expect(error).toMatchObject({ sent: false, message: "no node serves slot 15495" });
  });
});

describe("where replicas may answer", () => {
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

  it("one does", async () => {
    expect(await read(withReplica(() => ["of the replica"]))).toEqual(["of the replica"]);
  });

  it.each<[string, Node]>([
    ["does not answer", silent],
    ["loads its data", refusing("LOADING Redis is loading")],
    ["has lost its master", refusing("MASTERDOWN Link is down")],
    ["is no replica of it any more", refusing("MOVED 15495 n2:2")],
  ])("the master does where it %s", async (_what, replica) => {
    expect(await read(withReplica(replica))).toEqual(["of the master"]);
  });

  it("what it refuses otherwise is the answer", async () => {
    expect(await read(withReplica(refusing("WRONGTYPE")))).toEqual([new ErrorReply("WRONGTYPE")]);
  });
});
