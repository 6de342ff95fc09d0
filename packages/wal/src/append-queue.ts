import { markBytes } from "./batch-header.ts";
import type { WalError } from "./log-error.ts";
import type { LogRecord } from "./record.ts";
import { recordBytes } from "./record.ts";

/** What waits for the next batch. Housekeeping may use the last room of a segment, appends may not. */
export interface QueuedWrite {
  readonly kind: "append" | "housekeeping";
  readonly records: readonly LogRecord[];
  /** In a batch, marks included. */
  readonly bytes: number;
  resolve(): void;
  reject(error: WalError): void;
}

export function queuedBytesOf(records: readonly LogRecord[]): number {
  let bytes = markBytes;
  for (const record of records) bytes += recordBytes(record);
  return bytes;
}

/** First in, first out, bounded by bytes. */
export class AppendQueue {
  #waiting: QueuedWrite[] = [];
  #waitingBytes = 0;
  /** Also counts what was taken and is not settled yet. */
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get hasAppends(): boolean {
    return this.#waiting.some((item) => item.kind === "append");
  }

  push(item: QueuedWrite): void {
    this.#waiting.push(item);
    this.#waitingBytes += item.bytes;
    this.#bytes += item.bytes;
  }

  /** As many as fit, in order, at least the first. */
  take(bytesMax: number): readonly QueuedWrite[] {
    if (this.#waitingBytes <= bytesMax) {
      const all = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      return all;
    }
    let bytes = this.#waiting[0]?.bytes ?? 0;
    let count = 1;
    for (; count < this.#waiting.length; count++) {
      const next = this.#waiting[count]?.bytes ?? 0;
      if (bytes + next > bytesMax) break;
      bytes += next;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  /** Bytes of the first in the queue; 0 when it is empty. */
  get headBytes(): number {
    return this.#waiting[0]?.bytes ?? 0;
  }

  settle(items: readonly QueuedWrite[]): void {
    for (const item of items) {
      this.#bytes -= item.bytes;
      item.resolve();
    }
  }

  rejectTaken(items: readonly QueuedWrite[], error: WalError): void {
    for (const item of items) {
      this.#bytes -= item.bytes;
      item.reject(error);
    }
  }

  /** Rejects what waits, of one kind or of both. */
  rejectWaiting(error: WalError, kind?: QueuedWrite["kind"]): void {
    const rejected = this.#waiting.filter((item) => kind === undefined || item.kind === kind);
    this.#waiting = this.#waiting.filter((item) => kind !== undefined && item.kind !== kind);
    this.#waitingBytes = this.#waiting.reduce((sum, item) => sum + item.bytes, 0);
    this.rejectTaken(rejected, error);
  }
}
