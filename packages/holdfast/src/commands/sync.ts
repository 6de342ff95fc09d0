/** `holdfast sync`: makes a target what its source is. */

import { Failure, UsageError } from "../command-line/failure.ts";
import { locationText, parseLocation } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";
import { parseCount } from "../command-line/size.ts";
import { deleteExtra } from "../transfer/delete-extra.ts";
import type { NamePattern } from "../transfer/name-filter.ts";
import { nameFilter } from "../transfer/name-filter.ts";
import type { FileLocation } from "../transfer/plan.ts";
import type { SyncPlan } from "../transfer/plan-sync.ts";
import { planSync, refuseNested } from "../transfer/plan-sync.ts";
import { runTransfer } from "../transfer/run-transfer.ts";
import { openSide } from "../transfer/sync-side.ts";
import type { Tally } from "../transfer/tally.ts";
import { parallelDefault } from "./cp.ts";

export interface SyncFlags {
  readonly delete?: boolean;
  readonly checksum?: boolean;
  readonly dryRun?: boolean;
  readonly parallel?: string;
  readonly followSymlinks?: boolean;
  readonly verbose?: boolean;
  readonly resume?: boolean;
  readonly patterns?: readonly NamePattern[];
}

export async function sync(session: Session, names: readonly string[], flags: SyncFlags): Promise<void> {
  const parallel = parseCount(flags.parallel ?? parallelDefault, "--parallel", 1, 256);
  const [source, target] = names.map(parseSide);
  if (source === undefined || target === undefined) throw new UsageError("give a source and a target");
  if (source.kind === "local" && target.kind === "local")
    throw new UsageError("source and target are both local: name one of them hf://bucket/prefix");
  refuseNested(source, target);
  const store = await session.store();
  const { signal, output } = session;
  let sourceEntries = 0;
  const plan: SyncPlan = {
    source,
    target,
    store,
    signal,
    sources: await openSide(source, "source", store),
    targets: await openSide(target, "target", store),
    followSymlinks: flags.followSymlinks === true,
    checksum: flags.checksum === true,
    filter: nameFilter(flags.patterns ?? []),
    onSource: () => void sourceEntries++,
  };
  const { verbose = false, dryRun = false, resume = true } = flags;
  // Checksums are not computed twice for the sake of a total.
  const countAhead = !plan.checksum;
  const options = { parallel, move: false, verbose, resume, onlyNew: false, dryRun, countAhead };
  const tally = await runTransfer(session, () => planSync(plan), options);
  if (flags.delete === true && isDeletionSafe(session, source, sourceEntries, tally))
    await deleteExtra(session, plan, tally, { dryRun, verbose });
  await output.result(tally.summary(), tally.text());
}

function parseSide(name: string): FileLocation {
  const location = parseLocation(name);
  if (location.kind !== "stream") return location;
  throw new UsageError('"-" is one file, and sync is about folders');
}

/** What could not be read, or copied, is no reason to believe that anything is not wanted any more. */
function isDeletionSafe(
  session: Session,
  source: FileLocation,
  sourceEntries: number,
  tally: Tally,
): boolean {
  if (tally.failed > 0) {
    session.output.note("holdfast: nothing was deleted, because not everything could be listed and copied");
    return false;
  }
  // A folder that is there may be empty; a prefix without files may be a slip of the pen.
  if (source.kind === "local" || sourceEntries > 0) return true;
  throw new Failure(`there are no files below ${locationText(source)}: nothing was deleted`, {
    code: "EmptySource",
    next: "check the name; to empty the target, use `holdfast rm -r`",
  });
}
