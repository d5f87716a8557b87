import { appendFileSync } from "node:fs";
import onFiles from "./files.cjs";

/** Blocks its process at the first load, after it has written the process's id to a file. */
export const elsewhere = {
  open: (directory, pids) => ({
    ...onFiles(directory),
    load() {
      appendFileSync(pids, `${process.pid}\n`);
      for (;;);
    },
  }),
};
