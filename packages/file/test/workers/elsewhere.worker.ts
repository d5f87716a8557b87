import { FileBackend, type FileBackendOptions } from "../../src/index.ts";

/** What the other process of the conformance kit calls. */
export const elsewhere: { open(options: FileBackendOptions): FileBackend<object> } = {
  open: (options) => new FileBackend<object>(options),
};
