/**
 * A file of zeros that is given up when the disk is full, so that a node can start there, and go on (docs/adr/0008): a start
 * needs a fresh log segment, and room for the tails that it has to make durable again (S8), before it can free anything.
 *
 *   1. At the start, and from then on again and again: when less is free than the ballast holds, it is removed.
 *   2. When twice as much is free it is made again, in the background. A crash amid that leaves a shorter one, which the
 *      next round fills up.
 *
 * Nothing depends on its bytes or on their durability; the zeros are written since a hole would hold no room.
 */

import { MiB } from "@holdfast/base";
import type { Clock, Disk, DiskFile, Journal, Timer } from "@holdfast/ports";
import { DiskError } from "@holdfast/ports";

const path = "ballast";
const roundMs = 5000;

export class Ballast {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #bytes: number;
  #timer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(disk: Disk, clock: Clock, journal: Journal, bytes: number) {
    this.#disk = disk;
    this.#clock = clock;
    this.#journal = journal;
    this.#bytes = bytes;
  }

  /** Gives the room away if the disk is full. */
  async release(): Promise<void> {
    await this.makeRoom(this.#bytes);
  }

  /** Whether so much is free, after the ballast was given away if it must be. */
  async makeRoom(bytes: number): Promise<boolean> {
    const { freeBytes } = await this.#disk.space();
    if (freeBytes >= bytes) return true;
    if (!(await this.#remove())) return false;
    this.#journal.warn("ballast given up: the disk is full", { freeBytes, ballastBytes: this.#bytes });
    return (await this.#disk.space()).freeBytes >= bytes;
  }

  /** Looks after it until `stop`. */
  start(): void {
    this.#timer = this.#clock.after(roundMs, () => {
      this.#running = this.#round();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  async #round(): Promise<void> {
    try {
      await this.release();
      const { freeBytes } = await this.#disk.space();
      if (freeBytes >= 2 * this.#bytes) await this.#fill();
    } catch (cause) {
      // The next round sees what is there; a disk that fails for good is found by those who need it.
      this.#journal.warn("ballast not made", { cause: String(cause) });
    }
    if (!this.#stopped) this.start();
  }

  async #remove(): Promise<boolean> {
    try {
      await this.#disk.remove(path);
      return true;
    } catch (error) {
      if (error instanceof DiskError && error.kind === "not-found") return false;
      throw error;
    }
  }

  async #fill(): Promise<void> {
    const file = await this.#open();
    try {
      const zeros = new Uint8Array(Math.min(MiB, this.#bytes));
      for (let at = await file.size(); at < this.#bytes && !this.#stopped; at += zeros.length)
        await file.write(at, [zeros.subarray(0, Math.min(zeros.length, this.#bytes - at))]);
    } finally {
      await file.close();
    }
  }

  async #open(): Promise<DiskFile> {
    try {
      return await this.#disk.open(path, "write");
    } catch (error) {
      if (error instanceof DiskError && error.kind === "not-found") return this.#disk.open(path, "create");
      throw error;
    }
  }
}
