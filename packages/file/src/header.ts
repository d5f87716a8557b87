import { parseJson } from "@deep-agent/core/adapter";
import { corrupt } from "./file-error.ts";
import type { OpenFile } from "./file-system.ts";
import { encodeLine, NEWLINE, parseLine } from "./line.ts";

/** The version of the layout. Another one is refused, not guessed at. */
const FORMAT = 1;

const HEADER_BLOCK = 2048;

/** What a file has from the one that it succeeds. */
export interface Carried {
  /** Bytes of the line behind the header that tells which segments of the log they are. */
  map: number;
  /** Bytes of the segments, which stand behind that line, one behind the other. */
  bytes: number;
  /** Where the log begins, and where what was carried over ends and the log goes on: places in the log. */
  from: number;
  end: number;
  /** When the first write of the log was made: µs since 1970. */
  first: number;
}

/**
 * The first line of every file, in JSON: `{"format":1,"id":"<memory id>","epoch":"<random>","at":<epoch µs>}`, and `"carried":{…}`
 * in one that succeeds another.
 */
export function encodeHeader(memoryId: string, epoch: string, at: number, carried?: Carried): Buffer {
  return encodeLine("log", 0, JSON.stringify({ format: FORMAT, id: memoryId, epoch, at, carried }));
}

/** What the first line of a file says. */
export interface Header {
  id: string;
  epoch: string;
  length: number;
  carried: Carried | undefined;
}

/** Rejects with `CORRUPT` where a file does not begin with a header of this format. */
export async function readHeader(file: OpenFile, path: string, memoryId: string): Promise<Header> {
  const block = await file.read(0, HEADER_BLOCK);
  // An id of 1,024 bytes can take six times as many in JSON.
  const whole = block.includes(NEWLINE) || block.length < HEADER_BLOCK ? block : await file.read(0, 8 * HEADER_BLOCK);
  const newline = whole.indexOf(NEWLINE);
  const bytes = newline === -1 ? whole : whole.subarray(0, newline);
  const line = parseLine(bytes);
  if (line === "torn" || line === "damaged" || line.kind !== "log")
    throw corrupt(memoryId, path, 0, "its header is not whole");
  const { format, id, epoch, carried } = parseJson(line.payload) as Header & { format: unknown }; // its checksum holds
  if (format !== FORMAT) throw corrupt(memoryId, path, 0, `it has format ${format}, and this version reads ${FORMAT}`);
  return { id, epoch, length: bytes.length, carried };
}
