/**
 * The queue against a disk that does what the contract says: writes take effect in their order, each as a whole, an entry
 * replaces the suffix behind it. Whatever the queue calls durable must be on that disk.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "@holdfast/base";
import { ballot, logIndex, seededRandom, uniform } from "@holdfast/base";
import { command, membership } from "../../test-support/entries.ts";
import type { Envelope, StorageWrite } from "../contract/consensus.ts";
import type { Entry } from "../contract/entry.ts";
import { replicaId } from "../contract/replica-id.ts";
import { LogWindow } from "./log-window.ts";
import { WriteQueue } from "./write-queue.ts";

/** A reply that is true once the log holds this entry durably. */
interface Claim extends Envelope {
  readonly entry: Entry | undefined;
  readonly hardState: number;
}

function claim(entry: Entry | undefined, hardState: number): Claim {
  return { from: replicaId(1), to: replicaId(2), ballot: ballot(1), entry, hardState };
}

class Disk {
  base = 0;
  entries: Entry[] = [];
  hardState = 0;

  store({ base, entries, hardState }: StorageWrite<Claim>): void {
    if (hardState !== undefined) this.hardState = hardState[0] ?? 0;
    if (base !== undefined) {
      this.base = base.index;
      this.entries = [];
    }
    const [first] = entries;
    if (first === undefined) return;
    assert.ok(first.index - this.base - 1 <= this.entries.length, "no gap on disk");
    this.entries.length = first.index - this.base - 1;
    this.entries.push(...entries);
  }

  ballotAt(index: number): number | undefined {
    return this.entries[index - this.base - 1]?.ballot;
  }
}

class Run {
  readonly log = new LogWindow({ index: logIndex(0), ballot: ballot(0) }, []);
  readonly queue = new WriteQueue<Claim>(this.log);
  readonly disk = new Disk();
  readonly #random: Random;
  #inFlight: StorageWrite<Claim>[] = [];
  #ballot = 1;
  #hardState = 0;
  /** Never cut: below it everything is durable and committed. */
  #floor = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  step(): void {
    const { log, queue } = this;
    switch (uniform(this.#random, 9)) {
      case 0:
        return this.#truncate();
      case 1: {
        this.#hardState = (this.#hardState + 1) % 200;
        return queue.setHardState(Uint8Array.of(this.#hardState));
      }
      case 2:
        return this.#reply();
      case 3:
      case 4:
        return this.#take();
      case 5:
        return this.#complete();
      case 6:
        return this.#reset();
      default:
        return log.append(command(log.lastIndex + 1, this.#ballot));
    }
  }

  /** What the queue calls durable is on disk. */
  check(): void {
    const { log, queue, disk } = this;
    for (let index = log.base.index + 1; index <= queue.durableIndex; index++)
      assert.equal(disk.ballotAt(index), log.ballotAt(logIndex(index)), `entry ${index}`);
    if (queue.hardStateIsDurable) assert.equal(disk.hardState, this.#hardState);
    if (queue.isIdle) {
      assert.equal(queue.durableIndex, log.lastIndex);
      assert.equal(disk.base + disk.entries.length, log.lastIndex);
    }
  }

  /** Everything in flight ends: then everything is durable. */
  finish(): void {
    this.#take();
    while (this.#inFlight.length > 0) this.#complete();
    assert.ok(this.queue.isIdle);
    assert.equal(this.queue.durableIndex, this.log.lastIndex);
    assert.ok(this.queue.hardStateIsDurable);
  }

  #truncate(): void {
    const { log, queue } = this;
    if (log.lastIndex <= this.#floor) return;
    const from = logIndex(this.#floor + 1 + uniform(this.#random, log.lastIndex - this.#floor));
    this.#ballot++;
    queue.truncate(from);
    log.truncate(from);
    log.append(command(from, this.#ballot));
  }

  #reply(): void {
    const { log, queue } = this;
    const reply = claim(log.entry(log.lastIndex), this.#hardState);
    if (queue.isIdle) this.#onReply(reply);
    else queue.replyWhenDurable(reply);
  }

  #take(): void {
    const write = this.queue.take();
    if (write !== undefined) this.#inFlight.push(write);
  }

  #complete(): void {
    const count = 1 + uniform(this.#random, 2);
    const done = this.#inFlight.splice(0, count);
    for (const write of done) {
      this.disk.store(write);
      for (const reply of write.replies) this.#onReply(reply);
    }
    const last = done.at(-1);
    if (last !== undefined) this.queue.written(last.sequence);
  }

  #reset(): void {
    const { log, queue } = this;
    if (uniform(this.#random, 10) > 0) return;
    const index = logIndex(log.lastIndex + 1 + uniform(this.#random, 3));
    log.reset({ index, ballot: ballot(this.#ballot) });
    queue.reset({ index, ballot: ballot(this.#ballot), membership: membership([1]) });
    this.#floor = index;
  }

  /**
   * A reply leaves: what it says is on disk. An entry that was cut meanwhile need not be: the replica was told so in a later
   * ballot, and had the entry before it when it voted in that one.
   */
  #onReply({ entry, hardState }: Claim): void {
    const isHeld = entry !== undefined && this.log.ballotAt(entry.index) === entry.ballot;
    if (isHeld && entry.index > this.disk.base)
      assert.equal(this.disk.ballotAt(entry.index), entry.ballot, `entry ${entry.index} is acknowledged`);
    assert.ok(this.disk.hardState >= hardState || hardState - this.disk.hardState > 100);
  }
}

test("write queue: what it calls durable is on disk, whatever is cut and replaced meanwhile", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const run = new Run(seed);
    for (let i = 0; i < 150; i++) {
      run.step();
      run.check();
    }
    run.finish();
  }
});

function queueOf(length: number): { readonly log: LogWindow; readonly queue: WriteQueue<Claim> } {
  const log = new LogWindow({ index: logIndex(0), ballot: ballot(0) }, []);
  for (let i = 1; i <= length; i++) log.append(command(i, 1));
  return { log, queue: new WriteQueue<Claim>(log) };
}

test("write queue: a write that was overtaken proves nothing about what replaced its entries (ABA)", () => {
  const { log, queue } = queueOf(4);
  log.append(command(5, 1));
  log.append(command(6, 1));
  queue.take();
  queue.truncate(logIndex(5));
  log.truncate(logIndex(5));
  log.append(command(5, 2));
  queue.take();
  queue.written(1);
  assert.equal(queue.durableIndex, 4);
  queue.written(2);
  assert.equal(queue.durableIndex, 5);
});

test("write queue: a reply that waits for what is in flight travels with a write of its own", () => {
  const { log, queue } = queueOf(0);
  log.append(command(1, 1));
  queue.take();
  assert.equal(queue.isIdle, false);
  queue.replyWhenDurable(claim(undefined, 0));
  const { entries, replies, sequence } = queue.take() ?? { entries: undefined, replies: [], sequence: 0 };
  assert.deepEqual([entries, replies.length, sequence], [[], 1, 2]);
});

test("write queue: with nothing to write there is no write", () => {
  assert.equal(queueOf(3).queue.take(), undefined);
});

test("write queue: a write that was never handed out cannot be reported", () => {
  assert.throws(() => queueOf(1).queue.written(1), /handed out/);
});
