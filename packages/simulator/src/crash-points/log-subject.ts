/**
 * The write-ahead log: bursts of appends of three groups, suffixes replaced, logs begun anew, hard states, checkpoints
 * that let segments go. What is found has to be the state after some prefix of the appends that holds all that were
 * acknowledged.
 */

import type { GroupId, Random } from "@holdfast/base";
import { ballot, chance, groupId, KiB, logIndex, seededRandom, toHex, uniform } from "@holdfast/base";
import type { NodePorts } from "@holdfast/node";
import type { LogWrite, OpenedLog, WriteAheadLog } from "@holdfast/wal";
import { openWriteAheadLog } from "@holdfast/wal";
import { violated } from "../model/violation.ts";
import { smallNode } from "./small-node.ts";
import type { Subject, Work } from "./subject.ts";

export interface LogExpectation {
  readonly writes: readonly LogWrite[];
  /** The first so many were acknowledged, or shown by a recovery. */
  readonly provenCount: number;
  /** The highest checkpoint that was asked for, by group. */
  readonly checkpoints: ReadonlyMap<GroupId, number>;
}

export interface LogSubjectOptions {
  readonly seed: number;
  readonly burstsCount: number;
}

const groups: readonly GroupId[] = [1, 2, 3].map((number) => groupId(number));
const folder = "log";
const segmentBytes = 40 * KiB;

export function logSubject({ seed, burstsCount }: LogSubjectOptions): Subject<LogExpectation> {
  return {
    name: `log (work ${seed})`,
    node: smallNode,
    begin: () => new LogWork(seededRandom(seed), burstsCount),
    recover: async (ports, expected) => {
      const opened = await open(ports);
      return judge(opened, expected);
    },
    finish: async (machine, expected) => {
      machine.kill();
      const { log } = await open(machine.ports());
      const history = new LogHistory(seededRandom(seed), expected);
      for (let i = 0; i < 3; i++) await log.append(history.nextWrite());
      await log.close();
      const again = await open(machine.ports());
      await judge(again, { ...history.expected(), provenCount: history.expected().writes.length });
    },
  };
}

function open({ disk, clock, random, hashing, journal }: NodePorts): Promise<OpenedLog> {
  const ports = { disk, clock, random, hashing, journal };
  return openWriteAheadLog({ ...ports, folder, segmentBytes, onTornTail: "cut" });
}

/** What was submitted so far, and a seeded idea of what comes next. */
class LogHistory {
  readonly #random: Random;
  readonly #writes: LogWrite[];
  readonly #checkpoints: Map<GroupId, number>;
  #ballot = 1;
  provenCount: number;

  constructor(random: Random, { writes, provenCount, checkpoints }: LogExpectation) {
    this.#random = random;
    this.#writes = [...writes];
    this.#checkpoints = new Map(checkpoints);
    this.provenCount = provenCount;
    for (const { entries } of writes)
      for (const entry of entries) this.#ballot = Math.max(this.#ballot, entry.ballot);
  }

  expected(): LogExpectation {
    return {
      writes: [...this.#writes],
      provenCount: this.provenCount,
      checkpoints: new Map(this.#checkpoints),
    };
  }

  nextWrite(): LogWrite {
    const random = this.#random;
    const group = groups[uniform(random, groups.length)] ?? groupId(1);
    const { last } = stateOf(this.#writes, group);
    const checkpoint = this.#checkpoints.get(group) ?? 0;
    let first = last + 1;
    if (chance(random, 0.2) && last > checkpoint) {
      first -= 1 + uniform(random, Math.min(3, last - checkpoint));
      this.#ballot++;
    }
    const base = chance(random, 0.05)
      ? { index: logIndex(last + 5), ballot: ballot(this.#ballot) }
      : undefined;
    if (base !== undefined) first = base.index + 1;
    const entries = Array.from({ length: 1 + uniform(random, 3) }, (_, i) => ({
      index: logIndex(first + i),
      ballot: ballot(this.#ballot),
      payload: random.bytes(chance(random, 0.2) ? 4000 : uniform(random, 300)),
    }));
    const hardState = chance(random, 0.3) ? random.bytes(8) : undefined;
    const made = {
      group,
      entries,
      ...(base === undefined ? {} : { base }),
      ...(hardState === undefined ? {} : { hardState }),
    };
    this.#writes.push(made);
    if (base !== undefined) this.#checkpoints.set(group, base.index);
    return made;
  }

  checkpoint(log: WriteAheadLog): void {
    for (const group of groups) {
      const info = log.group(group);
      if (info === undefined || info.lastIndex <= info.checkpoint) continue;
      const through = info.lastIndex - uniform(this.#random, 2);
      this.#checkpoints.set(group, Math.max(this.#checkpoints.get(group) ?? 0, through));
      log.checkpoint(group, logIndex(through));
    }
  }
}

class LogWork implements Work<LogExpectation> {
  readonly #random: Random;
  readonly #burstsCount: number;
  readonly #history: LogHistory;

  constructor(random: Random, burstsCount: number) {
    this.#random = random;
    this.#burstsCount = burstsCount;
    this.#history = new LogHistory(random, { writes: [], provenCount: 0, checkpoints: new Map() });
  }

  expected(): LogExpectation {
    return this.#history.expected();
  }

  async run(ports: NodePorts): Promise<void> {
    const { log } = await open(ports);
    for (let burst = 0; burst < this.#burstsCount; burst++) {
      const appends: Promise<void>[] = [];
      for (let i = 1 + uniform(this.#random, 3); i > 0; i--) {
        const made = this.#history.nextWrite();
        const count = this.#history.expected().writes.length;
        const proven = (): void => {
          this.#history.provenCount = Math.max(this.#history.provenCount, count);
        };
        appends.push(log.append(made).then(proven));
      }
      await Promise.all(appends);
      if (chance(this.#random, 0.5)) this.#history.checkpoint(log);
    }
    await log.close();
  }
}

interface GroupLogState {
  readonly entries: Map<number, string>;
  last: number;
  hardState: string;
}

function stateOf(writes: readonly LogWrite[], group: GroupId): GroupLogState {
  const state: GroupLogState = { entries: new Map(), last: 0, hardState: "" };
  for (const made of writes) if (made.group === group) apply(state, made);
  return state;
}

function apply(state: GroupLogState, { base, entries, hardState }: LogWrite): void {
  if (base !== undefined) {
    state.entries.clear();
    state.last = base.index;
  }
  if (hardState !== undefined) state.hardState = toHex(hardState);
  for (const { index, ballot: number, payload } of entries)
    state.entries.set(index, `${number} ${toHex(payload)}`);
  state.last = entries.at(-1)?.index ?? state.last;
}

/** What the log shows of one group. */
interface ShownGroup {
  readonly first: number;
  readonly last: number;
  readonly hardState: string;
  readonly entries: readonly (readonly [number, string])[];
}

async function judge({ log, recovery }: OpenedLog, expected: LogExpectation): Promise<LogExpectation> {
  if (recovery.suspects.size > 0 || recovery.headersLost)
    violated(`a crash makes groups suspect: ${JSON.stringify([...recovery.suspects])}`);
  const shown = new Map<GroupId, ShownGroup>();
  for (const group of groups) shown.set(group, await show(log, group));
  for (const [group, { first }] of shown)
    if (first - 1 > (expected.checkpoints.get(group) ?? 0))
      violated(`group ${group} begins at ${first}, behind every checkpoint that was asked for`);
  for (let count = expected.provenCount; count <= expected.writes.length; count++) {
    const writes = expected.writes.slice(0, count);
    if ([...shown].every(([group, one]) => matches(one, stateOf(writes, group))))
      return { writes, provenCount: count, checkpoints: expected.checkpoints };
  }
  const ends = [...shown].map(([group, { first, last }]) => `group ${group}: ${first} to ${last}`);
  return violated(
    `no prefix of ${expected.provenCount} to ${expected.writes.length} appends gives ${ends.join(", ")}`,
  );
}

async function show(log: WriteAheadLog, group: GroupId): Promise<ShownGroup> {
  const info = log.group(group);
  if (info === undefined) return { first: 1, last: 0, hardState: "", entries: [] };
  const entries: [number, string][] = [];
  for (let next = info.firstIndex; next <= info.lastIndex; next = logIndex(info.firstIndex + entries.length))
    for (const { index, ballot: number, payload } of await log.entries(
      group,
      next,
      logIndex(info.lastIndex + 1),
      KiB,
    ))
      entries.push([index, `${number} ${toHex(payload)}`]);
  const hardState = info.hardState === undefined ? "" : toHex(info.hardState);
  return { first: info.firstIndex, last: info.lastIndex, hardState, entries };
}

function matches({ last, hardState, entries }: ShownGroup, state: GroupLogState): boolean {
  return (
    last === state.last &&
    hardState === state.hardState &&
    entries.every(([index, text]) => state.entries.get(index) === text)
  );
}
