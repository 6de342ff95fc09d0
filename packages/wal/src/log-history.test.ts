/** What processes appended to a log, and the states that may be left of it; shared by the tests that break things. */

import type { GroupId, Random } from "@holdfast/base";
import { ballot, chance, logIndex, toHex, uniform, utf8 } from "@holdfast/base";
import { group1, group2, group3, readAll } from "./log-world.test.ts";
import type { LogEntry, LogWrite, WriteAheadLog } from "./write-ahead-log.ts";

export const groups: readonly GroupId[] = [group1, group2, group3];

export interface GroupModel {
  entries: Map<number, LogEntry>;
  last: number;
  checkpoint: number;
  hardState: Uint8Array | undefined;
}

function emptyModel(): GroupModel {
  return { entries: new Map(), last: 0, checkpoint: 0, hardState: undefined };
}

function applyWrite(model: GroupModel, { base, entries, hardState }: LogWrite): void {
  if (base !== undefined) {
    model.entries.clear();
    model.last = base.index;
    model.checkpoint = base.index;
  }
  if (hardState !== undefined) model.hardState = hardState;
  for (const entry of entries) model.entries.set(entry.index, entry);
  model.last = entries.at(-1)?.index ?? model.last;
}

/** Everything a process submitted, in order; the first `provenCount` of it must survive. */
export class History {
  readonly writes: LogWrite[] = [];
  readonly models = new Map<GroupId, GroupModel>(groups.map((group) => [group, emptyModel()]));
  provenCount = 0;
  ballot = 1;

  nextWrite(random: Random): LogWrite {
    const group = groups[uniform(random, groups.length)] ?? group1;
    const model = this.models.get(group) ?? emptyModel();
    let first = model.last + 1;
    if (chance(random, 0.2) && model.last > model.checkpoint) {
      first -= 1 + uniform(random, Math.min(3, model.last - model.checkpoint));
      this.ballot++;
    }
    const base = chance(random, 0.03)
      ? { index: logIndex(model.last + 5), ballot: ballot(this.ballot) }
      : undefined;
    if (base !== undefined) first = base.index + 1;
    const entries: LogEntry[] = [];
    for (let i = uniform(random, 4); i > 0; i--) {
      const bytes = chance(random, 0.1) ? 3000 : uniform(random, 200);
      entries.push({ index: logIndex(first++), ballot: ballot(this.ballot), payload: random.bytes(bytes) });
    }
    const hardState = chance(random, 0.3) ? utf8(`state ${this.writes.length}`) : undefined;
    const made: LogWrite = {
      group,
      entries,
      ...(base === undefined ? {} : { base }),
      ...(hardState === undefined ? {} : { hardState }),
    };
    this.writes.push(made);
    applyWrite(model, made);
    return made;
  }

  /** The states after each prefix that may have survived, as text, with the length of the prefix. */
  *possible(): Iterable<readonly [number, Map<GroupId, GroupModel>]> {
    const states = new Map<GroupId, GroupModel>(groups.map((group) => [group, emptyModel()]));
    for (let count = 0; count <= this.writes.length; count++) {
      if (count >= this.provenCount) yield [count, states];
      const next = this.writes[count];
      const model = next === undefined ? undefined : states.get(next.group);
      if (next !== undefined && model !== undefined) applyWrite(model, next);
    }
  }

  /** Only these writes happened: go on from here. */
  rebase(count: number): void {
    this.writes.length = count;
    this.provenCount = count;
    for (const group of groups) {
      const checkpoint = this.models.get(group)?.checkpoint ?? 0;
      const model = emptyModel();
      for (const made of this.writes) if (made.group === group) applyWrite(model, made);
      model.checkpoint = Math.max(model.checkpoint, Math.min(checkpoint, model.last));
      this.models.set(group, model);
    }
  }
}

export function text(entry: LogEntry | undefined): string {
  return entry === undefined
    ? "none"
    : `${entry.index}/${entry.ballot}/${toHex(entry.payload.subarray(0, 16))}`;
}

export async function matches(log: WriteAheadLog, state: Map<GroupId, GroupModel>): Promise<boolean> {
  for (const [group, model] of state) {
    const info = log.group(group);
    if ((info?.lastIndex ?? 0) !== model.last) return false;
    if (toHex(info?.hardState ?? utf8("")) !== toHex(model.hardState ?? utf8(""))) return false;
    if (info === undefined) continue;
    for (const entry of await readAll(log, group)) {
      if (text(entry) !== text(model.entries.get(entry.index))) return false;
    }
  }
  return true;
}

/** Appends in bursts, checkpoints now and then, until done or crashed. */
export async function work(
  log: WriteAheadLog,
  history: History,
  random: Random,
  burstsCount: number,
): Promise<void> {
  for (let burst = 0; burst < burstsCount; burst++) {
    const pending: Promise<void>[] = [];
    for (let i = 1 + uniform(random, 4); i > 0; i--) {
      const made = history.nextWrite(random);
      const count = history.writes.length;
      pending.push(
        log.append(made).then(() => {
          history.provenCount = Math.max(history.provenCount, count);
        }),
      );
    }
    await Promise.all(pending);
    if (!chance(random, 0.4)) continue;
    for (const [group, model] of history.models) {
      const info = log.group(group);
      if (info === undefined || info.lastIndex <= info.checkpoint) continue;
      model.checkpoint = Math.max(model.checkpoint, info.lastIndex - uniform(random, 3));
      log.checkpoint(group, logIndex(model.checkpoint));
    }
  }
  await log.close();
}
