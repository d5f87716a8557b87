import type { Full } from "../instance.ts";
import { dying, type Mutations, seeing, writing } from "./mutations.ts";
import { clientOf } from "./store-client.ts";
import type { StoreAddress } from "./store-server.ts";

const all: Mutations = { ...seeing, ...writing, ...dying };

/** The backend with the changes of that name, or a correct one without a name. Another process opens it, too. */
export function opened(address: StoreAddress, mutation?: string): Full {
  const honest = clientOf(address);
  // The type still has the methods that were removed: the kit must notice that they are missing.
  return { ...honest, ...(mutation !== undefined && all[mutation]?.(honest)) } as Full;
}

/** What the other process calls. */
export const elsewhere: { open: typeof opened } = { open: opened };
