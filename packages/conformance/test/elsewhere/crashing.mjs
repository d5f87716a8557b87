import onFiles from "./files.cjs";

/** Ends its process at the first load. */
export const elsewhere = {
  open: (directory) => ({
    ...onFiles(directory),
    load() {
      console.error("The store's library has failed.");
      process.exit(7);
    },
  }),
};
