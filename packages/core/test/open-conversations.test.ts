import { describe, expect, it } from "@jest/globals";
import { OpenConversations } from "../src/agent/open-conversations.ts";
import { user } from "../src/index.ts";
import { ReferenceLog } from "./support/reference-log.ts";

describe("an agent's open conversations", () => {
  const backend = new ReferenceLog();

  it("are dropped if they are not in use, nothing is pending and another memory is current", () => {
    const open = new OpenConversations();
    const alice = open.use({ memoryId: "alice", backend });
    open.prune("bob");
    expect(open.get("alice")).toBe(alice);
    open.release(alice);
    open.prune("alice");
    expect(open.get("alice")).toBe(alice);
    alice.hold([user("hello")]);
    open.prune("bob");
    expect(open.get("alice")).toBe(alice);
  });

  it("are the same for all users of one id", async () => {
    const open = new OpenConversations();
    const first = open.use({ memoryId: "alice", backend });
    expect(open.use({ memoryId: "alice", backend })).toBe(first);
    open.release(first);
    open.prune(undefined);
    expect(open.get("alice")).toBe(first);
    open.release(first);
    open.prune(undefined);
    expect(open.get("alice")).toBeUndefined();
  });
});
