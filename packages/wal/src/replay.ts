/**
 * Turns the batches that a scan finds, in order, into the state of every group, and finds out what is lost (S10).
 *
 * A batch counts as proven when a later good header follows: only one batch is in flight, so the later one was written
 * after the earlier one was synced. The newest batch is therefore held back until the scan is over: it is the only one
 * that this process must not take for durable (S8).
 *
 * What tells damage:
 * - a body that does not match its good header: the header's marks say what was lost of whom;
 * - a jump in the batch sequence, or a mark whose `previous` is not the batch that named the group last: batches whose
 *   headers are gone. Every group is in doubt until its next mark shows that the lost ones did not name it.
 *
 * A segment's first batch behind such a jump begins the log anew, since it states every group (S9): what lies before it is
 * left over, a deleted segment whose name came back with a power loss, or it is lost; which of both, the checkpoints tell.
 *
 * A loss heals when later batches replace or checkpoint what was lost, or state the hard state anew.
 */

import type { GroupId, LogIndex } from "@holdfast/base";
import { assertNever, logIndex } from "@holdfast/base";
import type { GroupMark } from "./batch-header.ts";
import { GroupLog } from "./group-log.ts";
import { batchesOffset } from "./layout.ts";
import type { LogRecord } from "./record.ts";
import { decodeRecords } from "./record.ts";
import type { FoundBatch } from "./scan.ts";
import type { DamageEvidence, LogPosition, Suspicion } from "./write-ahead-log.ts";

/** Indexes of entries that cannot be read, both included. */
interface Hole {
  readonly from: LogIndex;
  readonly through: LogIndex;
}

class ReplayedGroup {
  readonly log: GroupLog;
  hole: Hole | undefined;
  hardStateLost = false;
  #evidence: DamageEvidence | undefined;
  /** Batches are missing that may have named the group. */
  inDoubt = false;
  /** Where the newest mark says that the group's log ended. */
  claimed: LogPosition | undefined;

  constructor(group: GroupId) {
    this.log = new GroupLog(group);
  }

  get evidence(): DamageEvidence {
    return this.#evidence ?? "missing";
  }

  /** A torn end takes nothing from what was lost before it. */
  blame(evidence: DamageEvidence): void {
    this.#evidence = worseOf(this.#evidence ?? "torn", evidence);
  }

  lose(hole: Hole, evidence: DamageEvidence): void {
    this.blame(evidence);
    const from = logIndex(Math.max(hole.from, this.log.checkpoint.index + 1));
    if (hole.through < from) return;
    const earlier = this.hole;
    this.hole =
      earlier === undefined
        ? { from, through: hole.through }
        : {
            from: logIndex(Math.min(earlier.from, from)),
            through: logIndex(Math.max(earlier.through, hole.through)),
          };
  }

  /** Nothing at or behind `index` of what was lost counts any more. */
  endHoleBefore(index: LogIndex): void {
    if (this.hole === undefined) return;
    const through = logIndex(Math.min(this.hole.through, index - 1));
    this.hole = through < this.hole.from ? undefined : { from: this.hole.from, through };
  }

  beginHoleBehind(index: LogIndex): void {
    if (this.hole === undefined) return;
    const from = logIndex(Math.max(this.hole.from, index + 1));
    this.hole = this.hole.through < from ? undefined : { from, through: this.hole.through };
  }
}

/** The newest batch, of which nobody knows whether it is durable. */
export interface HeldBatch {
  readonly found: FoundBatch;
  /** Undefined when its body is damaged. */
  readonly records: readonly LogRecord[] | undefined;
}

export class Replay {
  readonly #groups = new Map<GroupId, ReplayedGroup>();
  #held: HeldBatch | undefined;
  #isFirst = true;
  /** The batch being applied is the first of the log, and a segment's first. */
  #begins = false;
  /** Sequence of the last batch that counts as proven. */
  #provenSequence = 0;
  batchesCount = 0;
  damagedBatchesCount = 0;
  headersLost = false;

  get held(): HeldBatch | undefined {
    return this.#held;
  }

  /** The number of the batch that recovery writes: it takes the place of the held one. */
  get nextSequence(): number {
    return this.#held?.found.header.sequence ?? this.#provenSequence + 1;
  }

  add(found: FoundBatch): void {
    // A segment's first batch is at its beginning: if the log's first one is not, it is lost.
    if (this.batchesCount === 0 && found.place.offset !== batchesOffset) this.headersLost = true;
    this.batchesCount++;
    if (found.body === undefined) this.damagedBatchesCount++;
    const next: HeldBatch = {
      found,
      records: found.body === undefined ? undefined : decodeRecords(found.body),
    };
    const held = this.#held;
    const { sequence } = found.header;
    if (held?.found.header.sequence === sequence) {
      this.#held = sameBatch(held, next);
      return;
    }
    if (held !== undefined) this.#prove(held);
    if (!this.#isFirst && sequence !== this.#provenSequence + 1) {
      if (sequence > this.#provenSequence && found.place.offset === batchesOffset) this.#beginAnew();
      else this.#doubtAll();
    }
    this.#held = next;
  }

  /** Batches are missing behind everything found so far, and nobody knows whose: every group is in doubt. */
  loseUnknown(): void {
    if (this.#held !== undefined) this.#prove(this.#held);
    this.#held = undefined;
    this.#doubtAll();
  }

  dropHeld(): void {
    this.#held = undefined;
  }

  /**
   * The state with the held batch in it, and a suspicion on every group that lost something. `touchedBy` stays as of
   * the last proven batch, since recovery's own batch takes the held one's place.
   */
  finish(): ReadonlyMap<GroupId, GroupLog> {
    if (this.#held !== undefined) this.#apply(this.#held);
    const logs = new Map<GroupId, GroupLog>();
    for (const [id, group] of this.#groups) {
      if (group.inDoubt) this.#loseAll(group, group.log.last.index);
      group.log.suspicion = mergeSuspicions(group.log.suspicion, suspicionOf(group));
      if (group.hole !== undefined) group.log.truncateFrom(group.hole.from);
      logs.set(id, group.log);
    }
    return logs;
  }

  #beginAnew(): void {
    this.#groups.clear();
    this.#isFirst = true;
  }

  #doubtAll(): void {
    this.headersLost = true;
    for (const group of this.#groups.values()) group.inDoubt = true;
  }

  #prove(batch: HeldBatch): void {
    this.#apply(batch);
    const { header } = batch.found;
    for (const mark of header.marks) {
      const group = this.#groups.get(mark.group);
      if (group !== undefined) group.log.touchedBy = header.sequence;
    }
    this.#provenSequence = header.sequence;
  }

  #apply({ found, records }: HeldBatch): void {
    const { header, place, evidence } = found;
    // Only a segment's first batch states anew what came before it.
    this.#begins = this.#isFirst && place.offset === batchesOffset;
    this.#isFirst = false;
    for (const mark of header.marks) {
      const group = this.#followed(mark);
      if (records === undefined) {
        this.#loseMarked(mark, group, evidence);
        continue;
      }
      // The hard state is stated anew, or there was none.
      if (mark.restated) group.hardStateLost = false;
      if (this.#begins) this.#loseOlder(mark, group);
    }
    for (const record of records ?? []) this.#applyRecord(record, place);
  }

  /** The group of a mark, after the check that no batch which named it is missing in between. */
  #followed(mark: GroupMark): ReplayedGroup {
    const group = this.#groupOf(mark.group);
    if (!this.#begins && mark.previous !== group.log.touchedBy) {
      const end = mark.firstIndex === 0 ? mark.lastIndex : logIndex(mark.firstIndex - 1);
      this.#loseAll(group, logIndex(Math.max(end, group.log.last.index)));
    }
    group.inDoubt = false;
    group.claimed = { index: mark.lastIndex, ballot: mark.lastBallot };
    return group;
  }

  #groupOf(id: GroupId): ReplayedGroup {
    const found = this.#groups.get(id);
    if (found !== undefined) return found;
    const group = new ReplayedGroup(id);
    this.#groups.set(id, group);
    return group;
  }

  /** A lost batch named the group: nobody knows what it replaced, so nothing behind the checkpoint counts. */
  #loseAll(group: ReplayedGroup, through: LogIndex): void {
    group.lose({ from: logIndex(group.log.checkpoint.index + 1), through }, "missing");
    group.hardStateLost = true;
  }

  #loseMarked(mark: GroupMark, group: ReplayedGroup, evidence: DamageEvidence): void {
    if (mark.firstIndex > 0) {
      // What it replaced must not come back.
      group.log.truncateFrom(mark.firstIndex);
      group.endHoleBefore(mark.firstIndex);
      group.lose({ from: mark.firstIndex, through: mark.lastIndex }, evidence);
    }
    if (this.#begins) this.#loseOlder(mark, group);
    if (mark.hardStateNew || (this.#begins && mark.restated)) {
      group.hardStateLost = true;
      group.blame(evidence);
    }
  }

  /** The log begins here: entries of earlier segments must turn out to be checkpointed, or they are lost. */
  #loseOlder(mark: GroupMark, group: ReplayedGroup): void {
    if (!mark.restated) return;
    const through = mark.firstIndex === 0 ? mark.lastIndex : logIndex(mark.firstIndex - 1);
    group.lose({ from: logIndex(1), through }, "missing");
  }

  #applyRecord(record: LogRecord, place: FoundBatch["place"]): void {
    if (record.kind === "forgotten") {
      this.#groups.delete(record.group);
      return;
    }
    const group = this.#groupOf(record.group);
    switch (record.kind) {
      case "entries":
        group.endHoleBefore(record.entries[0]?.index ?? logIndex(0));
        break;
      case "hard-state":
        group.hardStateLost = false;
        break;
      case "checkpoint":
        group.beginHoleBehind(record.position.index);
        break;
      case "base":
        group.hole = undefined;
        break;
      case "end":
        // An earlier recovery judged everything before; its verdict, if there was one, follows as a suspicion.
        group.endHoleBefore(logIndex(record.last + 1));
        group.hardStateLost = false;
        break;
      case "suspect":
      case "settled":
        break;
      default:
        return assertNever(record);
    }
    group.log.apply(record, place);
  }
}

/**
 * Two batches of one number: recovery copied the unproven tail into a fresh segment (S8), the later one is the copy.
 * 1. The copy is whole: it counts, whatever the old one looks like now.
 * 2. The copy is damaged and the original whole: it says all that the copy said, beyond what batches before them say.
 * 3. Both are damaged: the copy's header names everything that the original's did and more.
 */
function sameBatch(original: HeldBatch, copy: HeldBatch): HeldBatch {
  if (copy.records !== undefined || original.records === undefined) return copy;
  return { found: { ...original.found, header: copy.found.header }, records: original.records };
}

function suspicionOf(group: ReplayedGroup): Suspicion | undefined {
  if (group.hole === undefined && !group.hardStateLost) return undefined;
  const last = group.log.last;
  const claimed = group.claimed !== undefined && group.claimed.index >= last.index ? group.claimed : last;
  return {
    from: group.hole?.from ?? logIndex(last.index + 1),
    through: group.hole === undefined ? last.index : logIndex(Math.max(claimed.index, group.hole.through)),
    ballot: claimed.ballot,
    hardStateLost: group.hardStateLost,
    openEnded: group.inDoubt,
    evidence: group.evidence,
  };
}

function mergeSuspicions(
  earlier: Suspicion | undefined,
  later: Suspicion | undefined,
): Suspicion | undefined {
  if (earlier === undefined || later === undefined) return later ?? earlier;
  const furthest = later.ballot >= earlier.ballot ? later : earlier;
  return {
    from: logIndex(Math.min(earlier.from, later.from)),
    through: logIndex(Math.max(earlier.through, later.through)),
    ballot: furthest.ballot,
    hardStateLost: earlier.hardStateLost || later.hardStateLost,
    openEnded: earlier.openEnded || later.openEnded,
    evidence: worseOf(earlier.evidence, later.evidence),
  };
}

/** `torn` only if both are. */
function worseOf(earlier: DamageEvidence, later: DamageEvidence): DamageEvidence {
  return earlier === "torn" ? later : earlier;
}
