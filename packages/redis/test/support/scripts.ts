import { APPEND } from "../../src/scripts/append.ts";
import { CONVERT } from "../../src/scripts/convert.ts";
import { DELETE } from "../../src/scripts/delete.ts";
import { ENLIST } from "../../src/scripts/enlist.ts";
import { INDEX_PAGE } from "../../src/scripts/index-page.ts";
import { INFO } from "../../src/scripts/info.ts";
import { PEEK } from "../../src/scripts/peek.ts";
import { PRUNE } from "../../src/scripts/prune.ts";
import { READ } from "../../src/scripts/read.ts";
import { SAVE } from "../../src/scripts/save.ts";
import { TOUCH } from "../../src/scripts/touch.ts";

/** The text of each script, by the name that a server knows it by. */
export const sources: ReadonlyMap<string, string> = new Map(
  [APPEND, CONVERT, DELETE, ENLIST, INDEX_PAGE, INFO, PEEK, PRUNE, READ, SAVE, TOUCH].map(({ sha, source }) => [
    sha,
    source,
  ]),
);
