import { describe, expect, it } from "@jest/globals";
import { ClusterView } from "../src/cluster-view.ts";

const line = (id: string, flags: string, master: string, epoch: number, ...slots: string[]): string =>
  [id, `127.0.0.1:${epoch}@1`, flags, master, 0, 0, epoch, "connected", ...slots].join(" ");

/** Three reports of a cluster in which b has replaced a, and a has just come back without knowing that. */
const stale = [
  line("a", "myself,master", "-", 1, "0-99", "200"),
  line("b", "slave", "a", 1),
  line("c", "master", "-", 2),
];
const won = [
  line("a", "master,fail", "-", 1),
  line("b", "myself,master", "-", 3, "0-99", "200", "[99->-c]"),
  line("c", "master", "-", 2),
];
const third = [
  line("a", "slave,fail", "b", 3),
  line("b", "master", "-", 3, "0-99", "200"),
  line("c", "myself,master", "-", 2),
];
const reports = [stale, won, third].map((lines) => `${lines.join("\n")}\n`);

describe("the view from the reports of all nodes of a cluster", () => {
  it.each([reports, [...reports].reverse()])(
    "is what the one with the highest epoch says, in whatever order",
    (...all) => {
      const view = new ClusterView(all);
      expect([0, 99, 100, 200].map((slot) => view.ownerOf(slot))).toEqual(["b", "b", undefined, "b"]);
      expect([...view.masters].sort()).toEqual(["b", "c"]);
    },
  );

  it("takes a node's own report, and for a silent node a report that does not mark it as dead", () => {
    expect([...new ClusterView(reports).replicasOf("a")]).toEqual([]);
    expect([...new ClusterView([reports[0] ?? ""]).replicasOf("a")]).toEqual(["b"]);
    expect([...new ClusterView([reports[2] ?? ""]).replicasOf("b")]).toEqual([]);
  });
});
