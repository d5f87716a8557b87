import { createHash } from "node:crypto";
import { newId } from "@deep-agent/core/adapter";

/*
 * The file of a memory is `<encoded id>.<generation>.jsonl`. The encoding is injective. No two encoded ids differ only
 * in case, because file systems may fold it. No encoded id is the name of a device. The whole name fits into 255 bytes.
 */

const MAX_ENCODED_LENGTH = 200;
const HEAD_LENGTH = 120;
const devices = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])$/;

/**
 * The id as part of a file name. Lower-case ASCII letters, digits, `-` and `_` stand for themselves. Every other byte
 * of the id's UTF-8 becomes `%xx`. If the result is too long, the name has its beginning (to be readable), `~` and the
 * SHA-256 of the id.
 */
export function encodeId(memoryId: string): string {
  const encoded = escapeBytes(memoryId);
  if (devices.test(encoded)) return `${hex(encoded.charCodeAt(0))}${encoded.slice(1)}`;
  if (encoded.length <= MAX_ENCODED_LENGTH) return encoded;
  const head = encoded.slice(0, HEAD_LENGTH).replace(/%.?$/, "");
  return `${head}~${createHash("sha256").update(memoryId).digest("hex")}`;
}

/** The id that was encoded; `null`: it was too long, so that only the header of the file has it. */
export function decodeId(encoded: string): string | null {
  if (encoded.includes("~")) return null;
  const bytes = encoded.replace(/%(..)/g, (_, byte: string) => String.fromCharCode(Number.parseInt(byte, 16)));
  return Buffer.from(bytes, "latin1").toString();
}

function escapeBytes(text: string): string {
  let escaped = "";
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    escaped += /[a-z0-9_-]/.test(character) ? character : hex(byte);
  }
  return escaped;
}

function hex(byte: number): string {
  return `%${byte.toString(16).padStart(2, "0")}`;
}

export function fileName(encodedId: string, generation: number): string {
  return `${encodedId}.${generation}.jsonl`;
}

const pattern = /^((?:[a-z0-9_-]|%[0-9a-f]{2})+(?:~[0-9a-f]{64})?)\.([1-9][0-9]{0,14})\.jsonl$/;

/** The parts of a log's file name; `null`: the file is not a log. */
export function parseFileName(name: string): { encodedId: string; generation: number } | null {
  const [, encodedId, generation] = pattern.exec(name) ?? [];
  return encodedId === undefined || !isCanonical(encodedId) ? null : { encodedId, generation: Number(generation) };
}

/** Whether {@link encodeId} could have made it. Files of other programs may have similar names. */
function isCanonical(encodedId: string): boolean {
  const memoryId = decodeId(encodedId);
  return memoryId === null || encodeId(memoryId) === encodedId;
}

/** A name for a file of the memory before it is published: `<encoded id>.<random>.tmp`. */
export function temporaryName(encodedId: string): string {
  return `${encodedId}.${newId()}.tmp`;
}

/** Whether a file of this name was not published yet, whichever memory it belongs to. */
export function isTemporary(name: string): boolean {
  return /^[^.]+\.[\w-]{22}\.tmp$/.test(name);
}

export function isTemporaryOf(name: string, encodedId: string): boolean {
  return isTemporary(name) && name.startsWith(`${encodedId}.`);
}
