/**
 * Whether the node serves linearizable requests, found out by doing what such a request does: a read barrier of the
 * system group and of one shard (each time the next one), then a read of verified state. However many ask, one look is
 * under way, and it has a deadline: a probe costs the same on a node in trouble.
 */

import type { ErrorCode } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import { findCluster } from "@holdfast/namespace";
import type { Clock, ReplicatedLog, StateReader } from "@holdfast/ports";
import type { WriteAheadLog } from "@holdfast/wal";
import type { Admission } from "./admission.ts";

export interface Readiness {
  /** Reads and deletes are served, linearizably. */
  readonly ready: boolean;
  /** New data is taken too. False alone is no reason to send clients elsewhere: reads and deletes go on. */
  readonly writable: boolean;
  /** Why not, in the words of the error registry and in a sentence; undefined when both are true. */
  readonly code: ErrorCode | undefined;
  readonly reason: string | undefined;
}

export interface ReadinessParts {
  readonly systemLog: Pick<ReplicatedLog<unknown>, "readBarrier">;
  readonly systemState: StateReader;
  readonly shardLogs: readonly Pick<ReplicatedLog<unknown>, "readBarrier">[];
  readonly wal: Pick<WriteAheadLog, "stopped">;
  readonly blocks: Pick<BlockStore, "health">;
  readonly admission: Pick<Admission, "hasRoom">;
  readonly clock: Clock;
}

const deadlineMs = 1000;

export function notReady(code: ErrorCode, reason: string): Readiness {
  return { ready: false, writable: false, code, reason };
}

export class ReadinessProbe {
  readonly #parts: ReadinessParts;
  #round = 0;
  #looking: Promise<Readiness> | undefined;

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  look(): Promise<Readiness> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<Readiness> {
    const { promise: late, resolve } = Promise.withResolvers<Readiness>();
    const timer = this.#parts.clock.after(deadlineMs, () =>
      resolve(notReady("Unavailable", `No answer from the log and the disk within ${deadlineMs} ms.`)),
    );
    try {
      return await Promise.race([this.#judge(), late]);
    } finally {
      timer.cancel();
    }
  }

  async #judge(): Promise<Readiness> {
    const { wal, systemLog, systemState, shardLogs } = this.#parts;
    try {
      const shardLog = shardLogs[this.#round++ % shardLogs.length];
      await Promise.all([systemLog.readBarrier(), shardLog?.readBarrier()]);
      if (findCluster(systemState) === undefined)
        return notReady("DataCorrupt", "The state store has lost the cluster's record.");
    } catch (cause) {
      return notReady("Unavailable", `The node's state cannot be read: ${String(cause)}`);
    }
    if (wal.stopped !== undefined) return notReady("Unavailable", `The log is ${wal.stopped}.`);
    return this.#judgeWrites();
  }

  async #judgeWrites(): Promise<Readiness> {
    const { blocks, admission } = this.#parts;
    const { failure } = blocks.health();
    if (failure !== undefined) return readOnly("Unavailable", `No block can be written: ${failure}`);
    try {
      if (await admission.hasRoom()) return allWell;
    } catch (cause) {
      return readOnly("Unavailable", `The disk's free space is unknown: ${String(cause)}`);
    }
    return readOnly("OutOfSpace", "The disk is full up to its reserve. Reads and deletes go on.");
  }
}

const allWell: Readiness = { ready: true, writable: true, code: undefined, reason: undefined };

function readOnly(code: ErrorCode, reason: string): Readiness {
  return { ready: true, writable: false, code, reason };
}
