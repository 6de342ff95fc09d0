/**
 * Whether the node serves linearizable requests, found out by doing what such a request does: a read barrier of the
 * system group and of one shard (each time the next one), then a read of verified state. Of all the other shards it is
 * judged by what is known here: that a replica is open, votes, and has a leader. However many ask, one look is
 * under way, and it has a deadline: a probe costs the same on a node in trouble.
 */

import type { ErrorCode } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import { findCluster } from "@holdfast/namespace";
import type { Clock, ReplicatedLog, StateReader } from "@holdfast/ports";
import type { WriteAheadLog } from "@holdfast/wal";
import type { Admission } from "./admission.ts";
import type { ShardHere } from "./cluster/shards-here.ts";
import { systemGroup } from "./groups/group-ids.ts";
import type { ReloadStatus } from "./state-reload/state-reloads.ts";

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
  /** Whether this node knows who leads the system group. */
  readonly systemIsLed: () => boolean;
  /** As they are now. */
  readonly shards: () => readonly ShardHere[];
  /** Replicas that are loaded anew, for their state is damaged. */
  readonly damaged: () => readonly ReloadStatus[];
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
    const waitsFor = new Set<string>();
    const timer = this.#parts.clock.after(deadlineMs, () => {
      const silent = waitsFor.size === 0 ? "the log and the disk" : [...waitsFor].join(" and ");
      resolve(notReady("Unavailable", `No answer within ${deadlineMs} ms from ${silent}.`));
    });
    try {
      return await Promise.race([this.#judge(waitsFor), late]);
    } finally {
      timer.cancel();
    }
  }

  async #judge(waitsFor: Set<string>): Promise<Readiness> {
    const { wal, systemLog, systemState } = this.#parts;
    const shards = this.#parts.shards();
    const wrong = this.#locallyWrong(shards);
    if (wrong !== undefined) return notReady("Unavailable", wrong);
    const next = shards[this.#round++ % shards.length];
    const asked = [{ name: "the system group", log: systemLog }];
    if (next !== undefined) asked.push({ name: `shard ${next.shard}`, log: next.log });
    try {
      await Promise.all(
        asked.map(async ({ name, log }) => {
          waitsFor.add(name);
          await log.readBarrier();
          waitsFor.delete(name);
        }),
      );
      if (findCluster(systemState) === undefined)
        return notReady("DataCorrupt", "The state store has lost the cluster's record.");
    } catch (cause) {
      const silent = [...waitsFor].join(" and ");
      return notReady(
        "Unavailable",
        `The node's state cannot be read${silent === "" ? "" : ` (${silent})`}: ${String(cause)}`,
      );
    }
    if (wal.stopped !== undefined) return notReady("Unavailable", `The log is ${wal.stopped}.`);
    return this.#judgeWrites(shards);
  }

  #locallyWrong(shards: readonly ShardHere[]): string | undefined {
    const damaged = this.#parts.damaged();
    if (damaged.some(({ group }) => group === systemGroup))
      return "The state of the system group is damaged here, and is loaded anew from another node.";
    if (!this.#parts.systemIsLed()) return `The system group has ${leaderless}`;
    const missing = shards.filter(({ state }) => state === "missing");
    if (missing.length > 0 && damaged.length > 0)
      return `${namesOf(missing)} cannot be served here yet: a state is damaged, and is loaded anew from another node.`;
    if (missing.length > 0)
      return `${namesOf(missing)} should be on this node and cannot be served here yet.`;
    const unled = shards.filter(({ state }) => state === "leaderless");
    if (unled.length > 0) return `${namesOf(unled, " has", " have")} ${leaderless}`;
    if (shards.length === 0)
      return "No shard lives on this node: it is coming into the cluster, or was drained.";
    return undefined;
  }

  async #judgeWrites(shards: readonly ShardHere[]): Promise<Readiness> {
    const { blocks, admission } = this.#parts;
    const unopened = shards.filter(({ hasWriter }) => !hasWriter);
    if (unopened.length > 0)
      return readOnly("Unavailable", `${namesOf(unopened)} cannot be written to from this node yet.`);
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

/** Of any number: a probe's answer stays short. */
const namedMax = 5;

function namesOf(shards: readonly ShardHere[], one = "", many = ""): string {
  const numbers = shards.slice(0, namedMax).map(({ shard }) => shard);
  const more = shards.length > namedMax ? ` and ${shards.length - namedMax} more` : "";
  return `${shards.length === 1 ? "Shard" : "Shards"} ${numbers.join(", ")}${more}${shards.length === 1 ? one : many}`;
}

const leaderless =
  "no leader that this node knows of: too few of the voters are up and connected, or they elect one just now.";

const allWell: Readiness = { ready: true, writable: true, code: undefined, reason: undefined };

function readOnly(code: ErrorCode, reason: string): Readiness {
  return { ready: true, writable: false, code, reason };
}
