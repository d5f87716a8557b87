import { join } from "node:path";
import type { ConformanceTarget } from "../../../src/index.ts";
import { opened } from "./opened.ts";
import { type StoreAddress, storeServer } from "./store-server.ts";

/** A backend on a store that several processes use, with the changes of that name in each of them. */
export function targetElsewhere(name: string, mutation?: string): ConformanceTarget {
  let address: StoreAddress;
  const open = async (ttl: number | null) => {
    address = await storeServer.newStore(ttl);
    return opened(address, mutation);
  };
  return {
    name,
    open: () => open(null),
    reopen: () => opened(address, mutation),
    ttl: { open },
    elsewhere: {
      module: join(import.meta.dirname, "opened.ts"),
      args: () => [address, ...(mutation === undefined ? [] : [mutation])],
    },
  };
}
