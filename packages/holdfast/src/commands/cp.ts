/** `holdfast cp` and `holdfast mv`. */

import { UsageError } from "../command-line/failure.ts";
import type { Location, RemoteLocation } from "../command-line/location.ts";
import { fileName, locationText, parseLocation } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";
import { parseCount } from "../command-line/size.ts";
import { contentTypeOf } from "../transfer/content-type.ts";
import type { NamePattern } from "../transfer/name-filter.ts";
import { nameFilter } from "../transfer/name-filter.ts";
import type { FileLocation } from "../transfer/plan.ts";
import { planCopy } from "../transfer/plan.ts";
import { showProgress } from "../transfer/progress.ts";
import { runTransfer } from "../transfer/run-transfer.ts";
import { Tally } from "../transfer/tally.ts";

export interface CpFlags {
  readonly recursive?: boolean;
  readonly parallel?: string;
  readonly followSymlinks?: boolean;
  readonly verbose?: boolean;
  readonly dryRun?: boolean;
  readonly ifNoneMatch?: boolean;
  /** False by --no-resume. */
  readonly resume?: boolean;
  readonly patterns?: readonly NamePattern[];
}

export function cp(session: Session, names: readonly string[], flags: CpFlags): Promise<void> {
  return transfer(session, names, flags, false);
}

export function mv(session: Session, names: readonly string[], flags: CpFlags): Promise<void> {
  return transfer(session, names, flags, true);
}

export const parallelDefault = "16";

async function transfer(
  session: Session,
  names: readonly string[],
  flags: CpFlags,
  move: boolean,
): Promise<void> {
  const parallel = parseCount(flags.parallel ?? parallelDefault, "--parallel", 1, 256);
  const locations = names.map(parseLocation);
  const target = locations.pop();
  if (target === undefined || locations.length === 0) throw new UsageError("give a source and a target");
  if (target.kind === "stream" || locations.some((source) => source.kind === "stream")) {
    if (move) throw new UsageError("a stream cannot be moved");
    return copyStream(session, locations, target, flags);
  }
  const sources = locations.filter((source) => source.kind !== "stream");
  refuseLocalCopy(sources, target);
  const { signal, output } = session;
  const { recursive = false, followSymlinks = false, verbose = false, dryRun = false, resume = true } = flags;
  const filter = nameFilter(flags.patterns ?? []);
  const store = await session.store();
  const plan = () => planCopy({ sources, target }, store, { recursive, followSymlinks, filter, signal });
  const onlyNew = flags.ifNoneMatch === true;
  const options = { parallel, move, verbose, resume, onlyNew, dryRun, countAhead: true };
  const tally = await runTransfer(session, plan, options);
  if (output.json || recursive || tally.skippedSymlinks + tally.skippedSpecial > 0) {
    await output.result(tally.summary(), tally.text());
  } else if (output.terminal && !dryRun && tally.files > 0) output.note(tally.text());
}

function refuseLocalCopy(sources: readonly FileLocation[], target: FileLocation): void {
  if (target.kind === "remote" || sources.every((source) => source.kind === "remote")) return;
  throw new UsageError("source and target are both local: name one of them hf://bucket/key");
}

/** From standard input, or to standard output. */
async function copyStream(
  session: Session,
  sources: readonly Location[],
  target: Location,
  flags: CpFlags,
): Promise<void> {
  const [source] = sources;
  if (source === undefined || sources.length > 1) throw new UsageError('"-" goes with a single other name');
  if (flags.recursive === true) throw new UsageError('"-" is one file: leave -r out');
  if (flags.dryRun === true)
    throw new UsageError('"-" is read or written when it is copied: leave --dry-run out');
  if (source.kind === "stream" && target.kind === "remote") return storeInput(session, target, flags);
  if (source.kind !== "remote" || target.kind !== "stream") {
    throw new UsageError('"-" goes with a file in the store, named hf://bucket/key');
  }
  const store = await session.store();
  const { signal, output } = session;
  for await (const chunk of await store.readFile(fileName(source), { signal })) await output.bytes(chunk);
}

async function storeInput(session: Session, target: RemoteLocation, flags: CpFlags): Promise<void> {
  if (target.key === "" || target.key.endsWith("/")) {
    throw new UsageError(`standard input has no name: give the whole key, as in ${locationText(target)}name`);
  }
  const store = await session.store();
  const { signal, output } = session;
  const tally = new Tally();
  const stopProgress = showProgress(output, tally);
  try {
    const stored = await store.storeFile(fileName(target), process.stdin, {
      contentType: contentTypeOf(target.key),
      signal,
      onProgress: ({ sentBytes }) => {
        tally.bytes = sentBytes;
      },
      ...(flags.ifNoneMatch === true ? { ifNoneMatch: "*" } : {}),
    });
    if (output.json) await output.result({ kind: "file", target: locationText(target), ...stored }, "");
  } finally {
    stopProgress();
  }
}
