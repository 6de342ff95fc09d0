/**
 * Removes what a sync's target has and its source lacks. Both are listed once more, after everything was copied: only a source that was
 * listed from beginning to end, twice, without an error, says that a file is not there. Removed is the file that was listed: one that
 * was replaced meanwhile stays.
 */

import { stat, unlink } from "node:fs/promises";
import type { Store } from "@holdfast/client";
import { Failure, systemErrorCode } from "../command-line/failure.ts";
import { printable } from "../command-line/format.ts";
import type { RemoteLocation } from "../command-line/location.ts";
import { folderPrefix, locationText } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";
import { mergeSides } from "./merge-sides.ts";
import { placeBelow } from "./place-below.ts";
import type { SyncPlan } from "./plan-sync.ts";
import type { SideFile } from "./sync-side.ts";
import type { Tally } from "./tally.ts";

/** Deletions of one request. */
const batchFiles = 500;

export interface DeleteExtraOptions {
  readonly dryRun: boolean;
  readonly verbose: boolean;
}

export async function deleteExtra(
  session: Session,
  plan: SyncPlan,
  tally: Tally,
  options: DeleteExtraOptions,
): Promise<void> {
  const remove = new Remover(session, plan, tally, options);
  let batch: SideFile[] = [];
  for await (const file of extraFiles(plan)) {
    batch.push(file);
    if (batch.length < batchFiles) continue;
    await remove.run(batch);
    batch = [];
  }
  await remove.run(batch);
}

/** Throws at the first thing that cannot be read: what has come until then is certain, since both sides are sorted. */
async function* extraFiles(plan: SyncPlan): AsyncGenerator<SideFile> {
  for await (const { source, target } of mergeSides(plan.sources(plan), plan.targets(plan))) {
    plan.signal.throwIfAborted();
    for (const entry of [source, target]) if (entry?.kind === "failed") throw entry.error;
    if (source === undefined && target?.kind === "file" && plan.filter(target.relative)) yield target;
  }
}

class Remover {
  readonly #session: Session;
  readonly #plan: SyncPlan;
  readonly #tally: Tally;
  readonly #options: DeleteExtraOptions;

  constructor(session: Session, plan: SyncPlan, tally: Tally, options: DeleteExtraOptions) {
    this.#session = session;
    this.#plan = plan;
    this.#tally = tally;
    this.#options = options;
  }

  async run(files: readonly SideFile[]): Promise<void> {
    const { target, store } = this.#plan;
    if (this.#options.dryRun) for (const file of files) await this.#removed(file);
    else if (target.kind === "remote") await this.#removeRemote(store, target, files);
    else for (const file of files) await this.#removeLocal(file);
  }

  async #removeRemote(store: Store, target: RemoteLocation, files: readonly SideFile[]): Promise<void> {
    const listed = files.map(({ relative, etag }) => ({ key: keyBelow(target, relative), ifMatch: etag }));
    const results = await store.deleteFiles(target.bucket, listed, { signal: this.#plan.signal });
    for (const [i, result] of results.entries()) {
      const file = files[i];
      if (file === undefined) continue;
      if (result.kind === "deleted") await this.#removed(file);
      else this.#failed(file, result.error.code === "ConditionFailed" ? replaced() : result.error);
    }
  }

  async #removeLocal(file: SideFile): Promise<void> {
    try {
      const place = placeBelow(this.#plan.target, file.relative);
      if (place.kind !== "local") return;
      const now = await stat(place.path, { bigint: true });
      if (Number(now.size) !== file.bytes || Number(now.mtimeNs) / 1e6 !== file.modifiedAtMs)
        throw replaced();
      await unlink(place.path);
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") return this.#failed(file, error);
    }
    await this.#removed(file);
  }

  async #removed(file: SideFile): Promise<void> {
    this.#tally.deleted++;
    const { verbose, dryRun } = this.#options;
    if (!verbose && !dryRun) return;
    const target = this.#text(file);
    const text = printable(`${dryRun ? "would delete" : "deleted"} ${target}`);
    await this.#session.output.result({ kind: "deleted", target, ...(dryRun ? { dryRun } : {}) }, text);
  }

  #failed(file: SideFile, error: unknown): void {
    this.#tally.failed++;
    this.#session.fail(error, this.#text(file));
  }

  #text(file: SideFile): string {
    const { target } = this.#plan;
    return target.kind === "local"
      ? `${target.path}/${file.relative}`
      : locationText({ bucket: target.bucket, key: keyBelow(target, file.relative) });
  }
}

function keyBelow(target: RemoteLocation, relative: string): string {
  return folderPrefix(target.key) + relative;
}

function replaced(): Failure {
  return new Failure("it was replaced while the sync ran, and was not deleted", {
    code: "TargetChanged",
    next: "run the sync again",
  });
}
