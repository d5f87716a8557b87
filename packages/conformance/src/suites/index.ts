import type { Suite } from "../suite.ts";
import { abort } from "./abort.ts";
import { absence } from "./absence.ts";
import { aliasing } from "./aliasing.ts";
import { append } from "./append.ts";
import { capabilities } from "./capabilities.ts";
import { catalogue } from "./catalogue.ts";
import { closing } from "./closing.ts";
import { conditions } from "./conditions.ts";
import { conversations } from "./conversations.ts";
import { deletion } from "./deletion.ts";
import { elsewhere } from "./elsewhere.ts";
import { elsewhereKill } from "./elsewhere-kill.ts";
import { elsewhereLog } from "./elsewhere-log.ts";
import { endurance } from "./endurance.ts";
import { errors } from "./errors.ts";
import { expiry, touching } from "./expiry.ts";
import { health } from "./health.ts";
import { idempotency } from "./idempotency.ts";
import { info } from "./info.ts";
import { isolation } from "./isolation.ts";
import { keptForAnother, keptOperations } from "./kept-operations.ts";
import { listing } from "./listing.ts";
import { load } from "./load.ts";
import { loss } from "./loss.ts";
import { memoryIds } from "./memory-ids.ts";
import { model } from "./model.ts";
import { order } from "./order.ts";
import { persistence } from "./persistence.ts";
import { read } from "./read.ts";
import { refusal } from "./refusal.ts";
import { replacement } from "./replacement.ts";
import { residue } from "./residue.ts";
import { roundTrip } from "./round-trip.ts";
import { sharing } from "./sharing.ts";
import { twoInstances } from "./two-instances.ts";

/** The contract: every promise, in a good order for a first reading. */
export const suites: readonly Suite[] = [
  capabilities,
  roundTrip,
  refusal,
  absence,
  replacement,
  deletion,
  residue,
  listing,
  isolation,
  memoryIds,
  aliasing,
  order,
  append,
  idempotency,
  keptOperations,
  conditions,
  read,
  model,
  loss,
  info,
  catalogue,
  expiry,
  touching,
  errors,
  abort,
  health,
  closing,
  load,
  endurance,
  persistence,
  sharing,
  twoInstances,
  keptForAnother,
  elsewhere,
  elsewhereLog,
  elsewhereKill,
  conversations,
];
