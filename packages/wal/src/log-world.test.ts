/** A simulated machine for the log's tests: one disk that outlives processes, one process at a time. */

import assert from "node:assert/strict";
import type { GroupId, Random } from "@holdfast/base";
import { ballot, groupId, logIndex, seededRandom, utf8 } from "@holdfast/base";
import type { Disk, DiskFile } from "@holdfast/ports";
import { silentJournal } from "@holdfast/ports";
import { SimulatedClock, SimulatedDisk, Simulation, simulatedHashing } from "@holdfast/ports/simulated";
import type { OpenedLog, OpenLogOptions } from "./open-log.ts";
import { openWriteAheadLog } from "./open-log.ts";
import type { LogEntry, LogWrite, WriteAheadLog } from "./write-ahead-log.ts";

export const smallSegmentBytes = 40 * 1024;

export class LogWorld {
  readonly random: Random;
  readonly simulation: Simulation;
  readonly disk: SimulatedDisk;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    this.simulation = new Simulation({ random: this.random, drain });
    this.disk = new SimulatedDisk({
      random: this.random,
      simulation: this.simulation,
      latencyMs: { min: 0.05, max: 0.2 },
    });
  }

  options(disk: Disk = this.disk.mount()): OpenLogOptions {
    return {
      disk,
      clock: new SimulatedClock(this.simulation),
      random: this.random,
      hashing: simulatedHashing,
      journal: silentJournal,
      folder: "wal",
      segmentBytes: smallSegmentBytes,
    };
  }

  open(options: Partial<OpenLogOptions> = {}): Promise<OpenedLog> {
    return this.run(openWriteAheadLog({ ...this.options(), ...options }));
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.simulation.runUntilSettled(promise);
  }

  /** What a promise rejects with. */
  async failure(promise: Promise<unknown>): Promise<unknown> {
    return this.run(
      promise.then(
        () => assert.fail("resolved"),
        (error: unknown) => error,
      ),
    );
  }

  async restart(options: Partial<OpenLogOptions> = {}): Promise<OpenedLog> {
    this.disk.kill();
    return this.open(options);
  }

  async read(log: WriteAheadLog, group: GroupId): Promise<readonly string[]> {
    const entries = await this.run(readAll(log, group));
    return entries.map(
      (entry) => `${entry.index}/${entry.ballot} ${new TextDecoder().decode(entry.payload)}`,
    );
  }
}

/** All entries of a group that the log shows. */
export async function readAll(log: WriteAheadLog, group: GroupId): Promise<readonly LogEntry[]> {
  const info = log.group(group);
  assert.ok(info !== undefined);
  const entries: LogEntry[] = [];
  for (
    let next = info.firstIndex;
    next <= info.lastIndex;
    next = logIndex(info.firstIndex + entries.length)
  ) {
    entries.push(...(await log.entries(group, next, logIndex(info.lastIndex + 1), 1000)));
  }
  return entries;
}

/** Calls `crash` right after the `operation`-th call to the disk began; counts all calls. */
export class CrashingDisk {
  readonly #crash: () => void;
  readonly #crashAt: number;
  count = 0;
  crashed = false;

  constructor(crashAt: number, crash: () => void) {
    this.#crashAt = crashAt;
    this.#crash = crash;
  }

  wrap(disk: Disk): Disk {
    return {
      memory: disk.memory,
      open: async (path, mode, options) => this.#file(await this.#count(disk.open(path, mode, options))),
      list: (folder) => this.#count(disk.list(folder)),
      makeFolder: (folder) => this.#count(disk.makeFolder(folder)),
      rename: (from, to) => this.#count(disk.rename(from, to)),
      remove: (path) => this.#count(disk.remove(path)),
      syncDirectory: (folder) => this.#count(disk.syncDirectory(folder)),
      space: () => this.#count(disk.space()),
      lock: () => this.#count(disk.lock()),
    };
  }

  #file(file: DiskFile): DiskFile {
    return {
      path: file.path,
      read: (offset, length) => this.#count(file.read(offset, length)),
      readInto: (offset, target, pastCache) => this.#count(file.readInto(offset, target, pastCache)),
      write: (offset, buffers) => this.#count(file.write(offset, buffers)),
      sync: () => this.#count(file.sync()),
      size: () => this.#count(file.size()),
      truncate: (bytes) => this.#count(file.truncate(bytes)),
      close: () => file.close(),
    };
  }

  #count<T>(result: Promise<T>): Promise<T> {
    if (this.count++ === this.#crashAt) {
      this.crashed = true;
      this.#crash();
    }
    return result;
  }
}

export const group1 = groupId(1);
export const group2 = groupId(2);
export const group3 = groupId(3);

export function entry(index: number, text: string, entryBallot: number = 1): LogEntry {
  return { index: logIndex(index), ballot: ballot(entryBallot), payload: utf8(text) };
}

export function write(group: GroupId, ...entries: readonly LogEntry[]): LogWrite {
  return { group, entries };
}
