import { breaking, type Mutant } from "../mutant.ts";
import { naming } from "../naming.ts";

export const isolation: Mutant[] = breaking("ids that look alike are different memories", {
  "lowercases ids": naming((id) => id.toLowerCase()),
  "lowercases ASCII": naming((id) => id.replace(/[A-Z]/g, (letter) => letter.toLowerCase())),
  "normalises ids to NFC": naming((id) => id.normalize("NFC")),
  "normalises ids to NFKC": naming((id) => id.normalize("NFKC")),
  "trims ids": naming((id) => id.trim() || id),
  "trims the end of ids": naming((id) => id.trimEnd() || id),
  "ends ids at a NUL": naming((id) => id.split("\0")[0] || id),
  "ends ids at a dot": naming((id) => id.split(".")[0] || id),
  "cuts ids at 255 bytes": naming((id) => Buffer.from(id).subarray(0, 255).toString().toWellFormed()),
  "cuts ids at 255 characters": naming((id) => id.slice(0, 255).toWellFormed()),
  "replaces characters that file names cannot have": naming((id) => id.replace(/[^\p{L}\p{N}_.-]/gu, "_")),
  "drops control characters": naming((id) => id.replace(/\p{Cc}/gu, "") || id),
  "drops invisible characters": naming((id) => id.replace(/[\u00ad\u200b\u2060\ufeff]/g, "")),
  "treats all white space as a space": naming((id) => id.replace(/\s/g, " ")),
  "treats a backslash as a slash": naming((id) => id.replaceAll("\\", "/")),
  "resolves paths": naming((id) => id.replace(/^\.?\//, "").replaceAll("//", "/")),
  "decodes escapes": naming((id) => id.replace(/%2f/gi, "/").replaceAll("%25", "%")),
  "treats digits as numbers": naming((id) => (/^[-+]?[\d.e]+$/.test(id) ? String(Number(id)) : id)),
  "keeps a hash of eight bits": naming((id) =>
    String([...Buffer.from(id)].reduce((sum, byte) => (sum + byte) % 256, 0)),
  ),
});
