/** Works off a plan: many files at once, a few large ones at most, failures reported one by one while the rest goes on. */

import { mkdir } from "node:fs/promises";
import type { Store } from "@holdfast/client";
import { printable } from "../command-line/format.ts";
import type { RemoteLocation } from "../command-line/location.ts";
import { fileName } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";
import { downloadFile } from "./download.ts";
import { isHopeless } from "./hopeless.ts";
import type { Job, PlannedItem } from "./job.ts";
import { sourceText, targetText } from "./job.ts";
import { forEachParallel, Limiter } from "./limiter.ts";
import { localBytes } from "./plan.ts";
import { showProgress } from "./progress.ts";
import { Tally } from "./tally.ts";
import type { TransferContext } from "./transfer-context.ts";
import { uploadFile } from "./upload.ts";
import { UploadStates } from "./upload-state.ts";

export interface TransferOptions {
  readonly parallel: number;
  readonly move: boolean;
  readonly verbose: boolean;
  /** Large files are continued where an earlier run was interrupted. */
  readonly resume: boolean;
  /** Only where there is no file yet. */
  readonly onlyNew: boolean;
  /** Nothing is copied; what would be is printed. */
  readonly dryRun: boolean;
  /** Whether the plan is cheap enough to be read ahead, for totals. */
  readonly countAhead: boolean;
}

/** The plan is read twice where somebody watches: once to work it off, once ahead to know how much there is. */
export async function runTransfer(
  session: Session,
  plan: () => AsyncIterable<PlannedItem>,
  options: TransferOptions,
): Promise<Tally> {
  const tally = new Tally();
  const store = await session.store();
  const uploads = new UploadStates(process.env);
  const large = new Limiter(Math.max(1, Math.floor(options.parallel / 8)));
  const shared = { tally, large, options, uploads };
  const stopProgress = showProgress(session.output, tally);
  const countsAhead = session.output.terminal && options.countAhead;
  const counting = countsAhead ? countTotals(plan(), tally, session.signal) : undefined;
  try {
    await forEachParallel(plan(), options.parallel, async (item) => {
      session.signal.throwIfAborted();
      if (item.kind === "skipped") return skip(session, tally, item, options);
      if (item.kind === "failed") return fail(session, tally, item.error, item.about);
      if (item.kind === "unchanged") return void tally.unchanged++;
      if (options.dryRun) return foretell(session, item, tally);
      await runJob(session, store, item, shared);
    });
  } finally {
    stopProgress();
    tally.isOver = true;
    await counting;
  }
  return tally;
}

interface Shared {
  readonly tally: Tally;
  readonly large: Limiter;
  readonly options: TransferOptions;
  readonly uploads: UploadStates;
}

async function runJob(
  session: Session,
  store: Store,
  job: Job,
  { tally, large, options, uploads }: Shared,
): Promise<void> {
  let counted = 0;
  const count = (bytes: number): void => {
    tally.bytes += bytes - counted;
    counted = bytes;
  };
  const { move, resume, onlyNew } = options;
  const { signal, endpoint } = session;
  const note = (text: string): void => session.output.note(text);
  const onBytes = count;
  const action = runIn(large);
  const context = { store, endpoint, signal, onBytes, large: action, move, resume, onlyNew, uploads, note };
  try {
    count(await perform(job, context));
    tally.files++;
    if (options.verbose) await report(session, job, counted);
  } catch (error) {
    count(0);
    if (session.signal.aborted || isHopeless(error)) throw error;
    fail(session, tally, error, sourceText(job));
  }
}

function runIn(limiter: Limiter): TransferContext["large"] {
  return (action) => limiter.run(action);
}

async function perform(job: Job, context: TransferContext): Promise<number> {
  switch (job.kind) {
    case "upload":
      return uploadFile(job.path, job.to, context);
    case "download":
      return downloadFile(job.from, job.path, job.bytes, context);
    case "copy":
      return copyInStore(job.from, job.to, context);
    case "folder":
      await mkdir(job.path, { recursive: true });
      if (context.move) await context.store.deleteFile(fileName(job.from), { signal: context.signal });
      return 0;
  }
}

async function copyInStore(
  from: RemoteLocation,
  to: RemoteLocation,
  context: TransferContext,
): Promise<number> {
  const { store, signal, move } = context;
  const ifNoneMatch = context.onlyNew ? "*" : undefined;
  if (!move) return (await store.copyFile(fileName(from), fileName(to), { ifNoneMatch, signal })).bytes;
  // The version that is copied is the version that is removed, or none is.
  const { etag } = await store.statFile(fileName(from), { signal });
  const { bytes } = await store.copyFile(fileName(from), fileName(to), {
    sourceIfMatch: etag,
    ifNoneMatch,
    signal,
  });
  await store.deleteFile(fileName(from), { ifMatch: etag, signal });
  return bytes;
}

function fail(session: Session, tally: Tally, error: unknown, about: string): void {
  tally.failed++;
  session.fail(error, about);
}

function skip(
  session: Session,
  tally: Tally,
  item: Extract<PlannedItem, { readonly kind: "skipped" }>,
  options: TransferOptions,
): void {
  if (item.what === "symlink") tally.skippedSymlinks++;
  else tally.skippedSpecial++;
  if (options.verbose) session.output.note(`skipped ${printable(item.path)}`);
}

async function foretell(session: Session, job: Job, tally: Tally): Promise<void> {
  tally.files++;
  tally.bytes += (job.kind === "folder" ? 0 : job.bytes) ?? 0;
  const source = sourceText(job);
  const target = targetText(job);
  const text = printable(`would copy ${source} -> ${target}`);
  await session.output.result({ kind: "file", source, target, dryRun: true }, text);
}

async function report(session: Session, job: Job, bytes: number): Promise<void> {
  const source = sourceText(job);
  const target = targetText(job);
  await session.output.result({ kind: "file", source, target, bytes }, printable(`${source} -> ${target}`));
}

/** A failure here is met again by whoever does the work. */
async function countTotals(
  plan: AsyncIterable<PlannedItem>,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  let files = 0;
  let bytes = 0;
  const found = (isComplete: boolean): void => {
    tally.totals = { files, bytes, isComplete };
  };
  try {
    for await (const item of plan) {
      if (tally.isOver || signal.aborted) return;
      if (item.kind === "skipped" || item.kind === "failed" || item.kind === "unchanged") continue;
      files++;
      if (item.kind === "upload") bytes += item.bytes ?? (await localBytes(item.path));
      else if (item.kind !== "folder") bytes += item.bytes ?? 0;
      found(false);
    }
    found(true);
  } catch {
    tally.totals = undefined;
  }
}
