/**
 * Reads everything again, in the background: every value of the state, with the digests it adds up to (S12), then every
 * block. Damage is never served, scrubbed or not; the scrub is there to find it while another copy still exists: a block that has
 * other slots goes to the list of incomplete blocks, and counts as damaged only if nothing has come of that at the end.
 *
 * A pass is spread over a week, but not slower than some megabytes a second, so that small stores are done within minutes
 * of their week's start. One that somebody asks for goes as fast as the disk does. A crash repeats what was read since
 * the record was last stored.
 */

import type { BlockId, ContentId } from "@holdfast/base";
import { blockIdText, contentIdText, StoreError, toHex } from "@holdfast/base";
import { BlockError } from "@holdfast/blocks";
import type { Disk, Journal } from "@holdfast/ports";
import { DiskError, sleep } from "@holdfast/ports";
import type { InspectionParts } from "../fsck/inspection.ts";
import { NameSearch } from "../fsck/name-files.ts";
import { slotsOf } from "../fsck/other-slots.ts";
import type { StreamPart } from "../shard-reads/content-questions.ts";
import { ownerQuestion, streamPartQuestion } from "../shard-reads/content-questions.ts";
import type { DigestComparer } from "../state-reload/digest-comparer.ts";
import { Pace } from "./pace.ts";
import type { DamagedBlock, ScrubPass, ScrubRecord, ScrubResult } from "./scrub-record.ts";
import { loadScrubRecord, storeScrubRecord } from "./scrub-record.ts";

export interface ScrubberParts extends InspectionParts {
  readonly disk: Disk;
  readonly journal: Journal;
  /** Of the states here with those of other replicas. */
  readonly digests: Pick<DigestComparer, "compare">;
}

export interface ScrubberOptions {
  /** From the start of one pass to the start of the next. */
  readonly periodMs: number;
  readonly bytesPerSecondMin: number;
}

export interface ScrubStatus {
  readonly running:
    | (Pick<ScrubPass, "startedAtMs" | "blocks" | "bytes" | "damagedBlocks"> & {
        /** What `blocks` approaches. */
        readonly blocksStored: number;
      })
    | undefined;
  readonly last: ScrubResult | undefined;
}

/** With bodies in them a megabyte or two: some milliseconds. */
const pairsPerStep = 100;
const damagedMax = 100;
/** Blocks of one pass whose repair is followed; beyond, they are on the list of incomplete blocks and count as damaged. */
const listedMax = 1000;
/** How long a pass waits at its end for the repair of what it found. */
const repairMsMax = 60_000;
const repairLookMs = 250;
const stateProblemsMax = 20;
const storeIntervalMs = 30_000;
/** After a failure that may pass. */
const retryMs = 1000;
/** However long the period: the store gives way to nobody for longer than this. */
const bytesPerSecondMax = 100 * 1024 * 1024;

export class Scrubber {
  readonly #parts: ScrubberParts;
  readonly #options: ScrubberOptions;
  readonly #pace: Pace;
  #record: ScrubRecord = { pass: undefined, last: undefined };
  #running: Promise<void> = Promise.resolve();
  #storedAtMs = 0;
  /** Somebody waits for a pass that begins now, or began because of them. */
  #asked: PromiseWithResolvers<ScrubResult> | undefined;
  /** Ends the wait between two passes, and a pass that nobody asked for. */
  #interrupt = new AbortController();

  constructor(parts: ScrubberParts, options: ScrubberOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#pace = new Pace(parts.clock, parts.stopping);
  }

  /** Reads the record of before; the first pass begins when it is due. */
  async start(): Promise<void> {
    try {
      this.#record = await loadScrubRecord(this.#parts.disk, this.#parts.hashing);
    } catch (cause) {
      if (!(cause instanceof DiskError)) throw cause;
      this.#parts.journal.warn("scrub record not read", { cause: cause.message });
    }
    this.#running = this.#run();
  }

  /** To be called when the node's background work was told to stop. */
  async stop(): Promise<void> {
    this.#interrupt.abort();
    await this.#running;
    this.#asked?.reject(stopped());
    if (this.#record.pass !== undefined) await this.#store();
  }

  /** A whole pass, begun now; who asks while one is under way that was asked for shares it. */
  scrub(): Promise<ScrubResult> {
    if (this.#parts.stopping.aborted) return Promise.reject(stopped());
    if (this.#asked === undefined) {
      this.#asked = Promise.withResolvers<ScrubResult>();
      this.#asked.promise.catch(() => undefined); // Callers may only want it begun.
      this.#record = { ...this.#record, pass: undefined };
      this.#interrupt.abort();
    }
    return this.#asked.promise;
  }

  status(): ScrubStatus {
    const { pass, last } = this.#record;
    if (pass === undefined) return { running: undefined, last };
    const { startedAtMs, blocks, bytes, damagedBlocks } = pass;
    const blocksStored = this.#parts.blocks.usage().blocks;
    return { running: { startedAtMs, blocks, bytes, damagedBlocks, blocksStored }, last };
  }

  async #run(): Promise<void> {
    const { clock, stopping } = this.#parts;
    while (!stopping.aborted) {
      const { pass } = this.#record;
      if (this.#asked === undefined && pass === undefined)
        await sleep(clock, this.#untilDueMs(), this.#interrupt.signal);
      if (stopping.aborted) return;
      this.#interrupt = new AbortController();
      try {
        await this.#pass(AbortSignal.any([this.#interrupt.signal, stopping]));
      } catch (cause) {
        if (cause instanceof BlockError && cause.kind === "closed") return;
        this.#parts.journal.warn("scrub interrupted", { cause: String(cause) });
        await sleep(clock, retryMs, this.#interrupt.signal);
      }
    }
  }

  /** By wall clock, which may jump: never longer than a period. */
  #untilDueMs(): number {
    const { periodMs } = this.#options;
    const startedAtMs = this.#record.last?.startedAtMs;
    if (startedAtMs === undefined) return 0;
    return Math.min(periodMs, Math.max(0, startedAtMs + periodMs - this.#parts.clock.wallMs()));
  }

  /** Goes on where the record says. */
  async #pass(interrupted: AbortSignal): Promise<void> {
    const wasAsked = this.#asked;
    const { clock } = this.#parts;
    const begun = this.#record.pass ?? { ...emptyPass, startedAtMs: clock.wallMs() };
    this.#record = { ...this.#record, pass: begun };
    if (begun.after === undefined) await this.#scrubState(interrupted);
    if (!interrupted.aborted) await this.#scrubBlocks(interrupted);
    const repairedBlocks = await this.#followRepairs(interrupted);
    const { pass } = this.#record;
    if (interrupted.aborted || pass === undefined) return;
    const damaged = await this.#nameDamaged(pass.damaged, interrupted);
    if (interrupted.aborted) return;
    const { startedAtMs, blocks, bytes, damagedBlocks, stateProblems } = pass;
    const finishedAtMs = Math.max(startedAtMs, clock.wallMs());
    const counts = { blocks, bytes, damagedBlocks, repairedBlocks };
    const last = { startedAtMs, finishedAtMs, ...counts, damaged, stateProblems };
    this.#record = { pass: undefined, last };
    this.#report(last);
    await this.#store();
    if (wasAsked === undefined) return;
    this.#asked = undefined;
    wasAsked.resolve(last);
  }

  async #scrubState(interrupted: AbortSignal): Promise<void> {
    const problems: string[] = [];
    for (const state of this.#parts.states) {
      if (state.damage !== undefined) {
        problems.push(`The state of group ${state.group} is damaged, and being loaded anew.`);
        continue;
      }
      const walk = state.walkDigest();
      try {
        for (let matches: boolean | undefined; matches === undefined; ) {
          if (interrupted.aborted) return;
          const step = walk.step(pairsPerStep);
          matches = step.matches;
          for (const key of step.damagedKeys)
            problems.push(`A value of group ${state.group} does not match its checksum (key ${toHex(key)}).`);
          if (matches === false)
            problems.push(`The digest kept of group ${state.group} is not that of its state.`);
          problems.splice(stateProblemsMax);
          await this.#pace.worked(step.bytes, this.#bytesPerSecond());
        }
      } finally {
        walk.leave();
      }
    }
    problems.push(...(await this.#parts.digests.compare()));
    this.#change({ stateProblems: problems.slice(0, stateProblemsMax) });
  }

  async #scrubBlocks(interrupted: AbortSignal): Promise<void> {
    const { blocks } = this.#parts;
    for await (const { id, bytes, outcome } of blocks.scrub(this.#record.pass?.after)) {
      const { pass } = this.#record;
      if (interrupted.aborted || pass === undefined) return;
      this.#change({ after: id, blocks: pass.blocks + 1, bytes: pass.bytes + bytes });
      if (outcome === "corrupt") await this.#onDamage(id);
      await this.#pace.worked(bytes, this.#bytesPerSecond());
      if (this.#parts.clock.monotonicMs() - this.#storedAtMs >= storeIntervalMs) await this.#store();
      if (interrupted.aborted) return;
    }
  }

  #change(changes: Partial<ScrubPass>): void {
    const { pass } = this.#record;
    if (pass !== undefined) this.#record = { ...this.#record, pass: { ...pass, ...changes } };
  }

  /** As fast as the disk goes when somebody waits for it. */
  #bytesPerSecond(): number | undefined {
    if (this.#asked !== undefined) return undefined;
    const { periodMs, bytesPerSecondMin } = this.#options;
    const needed = (this.#parts.blocks.usage().liveBytes * 1000) / periodMs;
    return Math.max(bytesPerSecondMin, Math.min(bytesPerSecondMax, needed));
  }

  /** What is dead or may never be committed is nobody's loss. */
  async #onDamage(id: BlockId): Promise<void> {
    const stream = await this.#askFor(id);
    if (stream !== undefined && stream.status !== "live") return;
    if (stream?.width === undefined || !(await this.#list(id, stream.width))) this.#countDamaged([id]);
  }

  /** Puts it on the list of incomplete blocks for this node; false when no other slot could have it. */
  async #list(id: BlockId, width: number): Promise<boolean> {
    const { placed } = this.#parts;
    const { pass } = this.#record;
    if (width < 2 || pass === undefined || slotsOf(this.#parts, id, width) === undefined) return false;
    await placed.incomplete.add({ node: placed.slots.self, id, width });
    if (pass.listed.length >= listedMax) return false;
    this.#change({ listed: [...pass.listed, id] });
    return true;
  }

  #countDamaged(ids: readonly BlockId[]): void {
    const { pass } = this.#record;
    if (pass === undefined) return;
    const damaged = [...pass.damaged, ...ids].slice(0, damagedMax);
    this.#change({ damagedBlocks: pass.damagedBlocks + ids.length, damaged });
  }

  /** How many of the listed blocks have come from other slots; the rest is damaged. */
  async #followRepairs(interrupted: AbortSignal): Promise<number> {
    const { clock, blocks } = this.#parts;
    const listed = this.#record.pass?.listed ?? [];
    const isOver = (id: BlockId): boolean => blocks.has(id);
    const endsAtMs = clock.monotonicMs() + repairMsMax;
    while (!listed.every(isOver) && clock.monotonicMs() < endsAtMs && !interrupted.aborted)
      await sleep(clock, repairLookMs, interrupted);
    if (interrupted.aborted) return 0;
    const left: BlockId[] = [];
    for (const id of listed.filter((each) => !isOver(each))) {
      const stream = await this.#askFor(id);
      if (stream === undefined || stream.status === "live") left.push(id);
    }
    this.#countDamaged(left);
    this.#change({ listed: [] });
    return listed.filter(isOver).length;
  }

  /** In its home shard; undefined when nobody can say now. */
  async #askFor({ content }: BlockId): Promise<StreamPart | undefined> {
    const home = this.#parts.shards[content.home];
    if (home === undefined) return { status: "garbage", part: undefined, width: undefined };
    try {
      return await home.ask(streamPartQuestion, content);
    } catch (error) {
      if (error instanceof StoreError && error.code === "Unavailable") return undefined;
      throw error;
    }
  }

  /** One walk over all files, and only when there is something to look for. */
  async #nameDamaged(
    damaged: readonly BlockId[],
    interrupted: AbortSignal,
  ): Promise<readonly DamagedBlock[]> {
    if (damaged.length === 0) return [];
    const { shards, system } = this.#parts;
    const owners: string[] = [];
    for (const { content } of damaged) owners.push(contentIdText(await this.#ownerOf(content)));
    const search = new NameSearch({ shards, system }, owners);
    while (!interrupted.aborted && search.step()) await this.#pace.worked(0, undefined);
    return damaged.map((id, i) => ({ block: blockIdText(id), files: search.namesOf(owners[i] ?? "") }));
  }

  /** Parts of a completed upload belong to the content that absorbed them. */
  async #ownerOf(stream: ContentId): Promise<ContentId> {
    try {
      return (await this.#parts.shards[stream.home]?.ask(ownerQuestion, stream)) ?? stream;
    } catch (error) {
      if (error instanceof StoreError && error.code === "Unavailable") return stream;
      throw error;
    }
  }

  #report({ blocks, bytes, damagedBlocks, repairedBlocks, damaged, stateProblems }: ScrubResult): void {
    for (const { block, files } of damaged)
      this.#parts.journal.error("scrub found a damaged block", { block, files: files.join(", ") });
    for (const problem of stateProblems) this.#parts.journal.error("scrub found damaged state", { problem });
    this.#parts.journal.info("scrub finished", { blocks, bytes, damagedBlocks, repairedBlocks });
  }

  async #store(): Promise<void> {
    this.#storedAtMs = this.#parts.clock.monotonicMs();
    try {
      await storeScrubRecord(this.#parts.disk, this.#parts.hashing, this.#record);
    } catch (cause) {
      // A full or failing disk: the scrub repeats a little after the next start.
      this.#parts.journal.warn("scrub record not stored", { cause: String(cause) });
    }
  }
}

const emptyPass: ScrubPass = {
  startedAtMs: 0,
  after: undefined,
  blocks: 0,
  bytes: 0,
  damagedBlocks: 0,
  damaged: [],
  listed: [],
  stateProblems: [],
};

function stopped(): StoreError {
  return new StoreError("Stopped", "The node stopped before the scrub was at its end.");
}
