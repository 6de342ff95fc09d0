/**
 * One group's way into the node's log. Writes go in and become durable in the order of the core; those of all groups that
 * come in one turn share a batch, which is the log's own doing.
 *
 * A write that the log refuses for lack of room was not tried: nothing of it was written, and nothing behind it (the log
 * refuses all that waits). It stays where it is and goes in once there is room. One that failed poisons the log (S11).
 */

import type { GroupId } from "@holdfast/base";
import { assert } from "@holdfast/base";
import type { Envelope, StorageWrite } from "@holdfast/consensus";
import { entryBytes, storedPayload } from "@holdfast/consensus";
import type { LogWrite, WriteAheadLog } from "@holdfast/wal";
import { WalError } from "@holdfast/wal";

interface Passenger<Message extends Envelope> {
  readonly write: StorageWrite<Message>;
  readonly bytes: number;
  state: "waiting" | "written" | "durable";
}

export interface WriteLaneEvents {
  /** Something may be taken. */
  onDurable(): void;
  /** The log took a write that it cannot make durable: nothing goes on (S11). */
  onFailure(cause: unknown): void;
}

export class WriteLane<Message extends Envelope> {
  readonly #wal: WriteAheadLog;
  readonly #group: GroupId;
  readonly #events: WriteLaneEvents;
  readonly #passengers: Passenger<Message>[] = [];
  #bytes = 0;
  /** The log has refused one for lack of room. */
  #isHeld = false;
  #idle: (() => void) | undefined;

  constructor(wal: WriteAheadLog, group: GroupId, events: WriteLaneEvents) {
    this.#wal = wal;
    this.#group = group;
    this.#events = events;
  }

  get isEmpty(): boolean {
    return this.#passengers.length === 0;
  }

  /** Of writes that are not durable. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Writes wait for room in the log: nothing that needs another one should be begun. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  add(write: StorageWrite<Message>): void {
    const bytes = bytesOf(write);
    this.#passengers.push({ write, bytes, state: "waiting" });
    this.#bytes += bytes;
    if (!this.#isHeld) this.#drain();
  }

  /** There may be room by now. The log finds out when it is asked to write: one tries, the others wait for it. */
  retry(): void {
    if (!this.#isHeld || !this.#isSettled) return;
    const next = this.#passengers.find(({ state }) => state === "waiting");
    if (next !== undefined && !this.#admits(next)) return this.#write(next);
    this.#isHeld = false;
    this.#drain();
  }

  /** The next write that is durable, all before it having been taken. */
  take(): StorageWrite<Message> | undefined {
    if (this.#passengers[0]?.state !== "durable") return undefined;
    return this.#passengers.shift()?.write;
  }

  /** Resolves when the log holds no write of this lane any more that it could still tell of. */
  async settled(): Promise<void> {
    if (!this.#isSettled) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  get #isSettled(): boolean {
    return this.#passengers.every(({ state }) => state !== "written");
  }

  #drain(): void {
    for (const passenger of this.#passengers) {
      if (passenger.state !== "waiting") continue;
      if (passenger.bytes === 0) {
        // It only waits for those before it.
        passenger.state = "durable";
        continue;
      }
      if (!this.#admits(passenger)) {
        this.#isHeld = true;
        return;
      }
      this.#write(passenger);
    }
    if (this.#passengers[0]?.state === "durable") this.#events.onDurable();
  }

  /** A log that has stopped says why when it is asked to write. */
  #admits({ bytes }: Passenger<Message>): boolean {
    return this.#wal.stopped !== undefined || this.#wal.admits(bytes);
  }

  #write(passenger: Passenger<Message>): void {
    passenger.state = "written";
    this.#wal.append(logWrite(this.#group, passenger.write)).then(
      () => {
        passenger.state = "durable";
        this.#bytes -= passenger.bytes;
        this.#onSettled();
        this.#events.onDurable();
      },
      (cause: unknown) => {
        passenger.state = "waiting";
        this.#isHeld = true;
        this.#onSettled();
        if (!isLackOfRoom(cause)) this.#events.onFailure(cause);
      },
    );
  }

  #onSettled(): void {
    if (this.#isSettled) this.#idle?.();
  }
}

function isLackOfRoom(cause: unknown): boolean {
  return cause instanceof WalError && (cause.kind === "no-space" || cause.kind === "queue-full");
}

/** 0 for a write that carries replies alone. */
function bytesOf<Message extends Envelope>({ hardState, base, entries }: StorageWrite<Message>): number {
  const fixed = (hardState === undefined ? 0 : 1 + hardState.length) + (base === undefined ? 0 : 1);
  return entries.reduce((sum, entry) => sum + entryBytes(entry), fixed);
}

function logWrite<Message extends Envelope>(
  group: GroupId,
  { hardState, base, entries }: StorageWrite<Message>,
): LogWrite {
  const first = entries[0];
  assert(
    base === undefined || first === undefined || first.index === base.index + 1,
    "entries follow the base",
  );
  return {
    group,
    ...(base === undefined ? {} : { base: { index: base.index, ballot: base.ballot } }),
    entries: entries.map((entry) => ({
      index: entry.index,
      ballot: entry.ballot,
      payload: storedPayload(entry),
    })),
    ...(hardState === undefined ? {} : { hardState }),
  };
}
