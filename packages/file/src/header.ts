import { parseJson } from "@deep-agent/core/adapter";
import { corrupt } from "./file-error.ts";
import type { OpenFile } from "./file-system.ts";
import { encodeLine, NEWLINE, parseLine } from "./line.ts";

/** The version of the layout. Files with another version are refused. */
const FORMAT = 1;

const HEADER_BLOCK = 2048;

/** What a file has from the file that it succeeds. */
export interface Carried {
  /** The size of the line after the header, which lists the segments of the log: bytes. */
  map: number;
  /** The size of all segments, which stand after that line, one after the other: bytes. */
  bytes: number;
  /** The place at which the log begins. */
  from: number;
  /** The place at which the segments end, and the log continues. */
  end: number;
  /** When the first write of the log was made: µs since 1970. */
  first: number;
}

/**
 * The first line of every file. Its payload is `{"format":1,"id":"<memory id>","epoch":"<random>","at":<epoch µs>}`,
 * with a `"carried":{…}` if the file succeeds another one.
 */
export function encodeHeader(memoryId: string, epoch: string, at: number, carried?: Carried): Buffer {
  return encodeLine("log", 0, JSON.stringify({ format: FORMAT, id: memoryId, epoch, at, carried }));
}

/** The content of the first line of a file. */
export interface Header {
  id: string;
  epoch: string;
  length: number;
  carried: Carried | undefined;
}

/** Rejects with `CORRUPT` if the file does not begin with a header of this format. */
export async function readHeader(file: OpenFile, path: string, memoryId: string): Promise<Header> {
  const block = await file.read(0, HEADER_BLOCK);
  // An id of 1,024 bytes can take six times as many bytes in JSON.
  const whole = block.includes(NEWLINE) || block.length < HEADER_BLOCK ? block : await file.read(0, 8 * HEADER_BLOCK);
  const newline = whole.indexOf(NEWLINE);
  const bytes = newline === -1 ? whole : whole.subarray(0, newline);
  const line = parseLine(bytes);
  if (line === "torn" || line === "damaged" || line.kind !== "log")
    throw corrupt(memoryId, path, 0, "its header is damaged or incomplete");
  const { format, id, epoch, carried } = parseJson(line.payload) as Header & { format: unknown }; // its checksum holds
  if (format !== FORMAT) throw corrupt(memoryId, path, 0, `it has format ${format}, and this version reads ${FORMAT}`);
  return { id, epoch, length: bytes.length, carried };
}
