/** The first element of a memory's list. As text, `#1 <epoch> <created> <updated> <records> <dropped>`. */
export interface Header {
  epoch: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** Milliseconds since 1970. */
  updatedAt: number;
  records: number;
  /** How many entries retention has taken. */
  dropped: number;
}

/** `undefined`: the text is not a header. */
export function parseHeader(text: string): Header | undefined {
  const [, epoch, created, updated, records, dropped] = /^#1 (\S+) (\d+) (\d+) (\d+) (\d+)$/.exec(text) ?? [];
  if (epoch === undefined) return undefined;
  return {
    epoch,
    createdAt: Number(created),
    updatedAt: Number(updated),
    records: Number(records),
    dropped: Number(dropped),
  };
}
