/**
 * A replica whose state is damaged gets another replica's (S12). Its vote and its log are whole: it stays the replica that it was.
 *
 *   1. The state is condemned: nothing is read of it and nothing applied to it, now and after a restart. The replica ends here
 *      and hands over what it led; its group goes on with the others, and questions are asked of them.
 *   2. Another replica's state is loaded beside it, from an index on from which this log has the entries.
 *   3. Where this log ends before that state's place, or leads elsewhere, it begins anew behind it.
 *   4. In one batch it becomes the state, and the mark goes.
 *   5. The replica is opened again.
 *
 * A crash before 4 begins anew at 2, whatever is staged. Nobody is reloaded by another's word: each node judges its own state.
 */

import type { GroupId, LogIndex, NodeId } from "@holdfast/base";
import { assert, DecodeError, decode, encode, logIndex, StoreError } from "@holdfast/base";
import type { Clock, Counter, Exchange, Journal, Metrics, Network } from "@holdfast/ports";
import { allMetrics, DiskError, emptyBody, NetworkError, sleep } from "@holdfast/ports";
import type { Founding } from "@holdfast/shard";
import type { GroupState, StatePosition } from "@holdfast/state";
import { StateSnapshotError } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import type { NodeGroups } from "../groups/node-groups.ts";
import { NoRoomError, whileThereIsRoom } from "../groups/while-there-is-room.ts";
import { GrowingPause } from "../maintenance/rounds.ts";
import type { StateAnswer } from "./state-wire.ts";
import { stateAnswerCodec, stateQuestionCodec } from "./state-wire.ts";

export interface StateReloadsParts {
  readonly network: Network;
  readonly groups: Pick<NodeGroups, "homes" | "failState" | "ended">;
  readonly wal: Pick<WriteAheadLog, "group" | "append" | "ballotAt">;
  readonly consensus: Founding["consensus"];
  readonly clock: Clock;
  readonly journal: Journal;
  readonly metrics: Metrics;
  /** Makes the mark durable; less than that only on a disk that is full. */
  readonly remember: () => Promise<void>;
  readonly hasRoom: (bytes: number) => Promise<boolean>;
  /** The group's state is whole: its replica may be opened. */
  readonly onReloaded: (group: GroupId) => void;
  /** Log or state store can be used no more. */
  readonly onFailure: (cause: unknown) => void;
}

interface Reload {
  readonly state: GroupState;
  readonly reason: string;
  /** Whose state is to be taken; undefined: any other home's. */
  readonly from: readonly NodeId[] | undefined;
  readonly begunAtMs: number;
  readonly abort: AbortController;
}

export interface ReloadStatus {
  readonly group: GroupId;
  readonly reason: string;
}

export interface ReloadsStatus {
  readonly underWay: readonly ReloadStatus[];
  /** Since the node started. */
  readonly done: number;
  readonly last: ReloadStatus | undefined;
}

/**
 * A lease on this copy of the system group that began before may be trusted until then (learner-lease): so long the new state
 * must not be of before the old one.
 */
const leasesMs = 2500;
const pauseMsMin = 200;
const pauseMsMax = 5000;

export class StateReloads {
  readonly #parts: StateReloadsParts;
  readonly #running = new Map<GroupId, { readonly reload: Reload; readonly done: Promise<void> }>();
  readonly #reloaded: Counter;
  #done = 0;
  #last: ReloadStatus | undefined;
  #isStopped = false;

  constructor(parts: StateReloadsParts) {
    this.#parts = parts;
    const { metrics } = parts;
    this.#reloaded = metrics.counter(allMetrics.stateReloads, {});
    metrics.watch(allMetrics.stateDamagedReplicas, {}, () => this.#running.size);
  }

  get status(): ReloadsStatus {
    const underWay = Array.from(this.#running.values(), ({ reload }) => statusOf(reload));
    return { underWay, done: this.#done, last: this.#last };
  }

  /** The state is used no more; where nobody else has it, it stays in use. `from`: whose state is to be taken. */
  condemn(state: GroupState, reason: string, from?: readonly NodeId[]): void {
    if (state.damage !== undefined || this.#homesOf(state.group).length === 0) return;
    state.condemn(reason);
    this.begin(state, from);
  }

  /** Of a state that is condemned. Does nothing while one is under way. */
  begin(state: GroupState, from?: readonly NodeId[]): void {
    const { group, damage: reason } = state;
    assert(reason !== undefined, "only what is condemned is reloaded");
    if (this.#running.has(group) || this.#isStopped) return;
    const { groups, clock, journal } = this.#parts;
    const reload = { state, reason, from, begunAtMs: clock.monotonicMs(), abort: new AbortController() };
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#running.set(group, { reload, done: promise });
    journal.error("replica damaged", { group, index: state.appliedIndex, reason });
    groups.failState(
      group,
      new StoreError("DataCorrupt", `The state of group ${group} is damaged: ${reason}.`),
    );
    void this.#run(reload).then(resolve);
  }

  /** The group leaves this node: resolves when nothing is done for it any more. */
  async cancel(group: GroupId): Promise<void> {
    const running = this.#running.get(group);
    running?.reload.abort.abort();
    await running?.done;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#running.keys()].map((group) => this.cancel(group)));
  }

  #homesOf(group: GroupId): readonly NodeId[] {
    const { groups, network } = this.#parts;
    return groups.homes(group).filter((node) => node !== network.self);
  }

  /** Never rejects. */
  async #run(reload: Reload): Promise<void> {
    const { groups, remember, journal, onReloaded, onFailure } = this.#parts;
    const { state, abort } = reload;
    const { group } = state;
    try {
      await groups.ended(group);
      await remember();
      await this.#loadFromOthers(reload);
    } catch (cause) {
      this.#running.delete(group);
      return onFailure(cause);
    }
    this.#running.delete(group);
    if (abort.signal.aborted) return;
    this.#done++;
    this.#last = statusOf(reload);
    this.#reloaded.add(1);
    journal.warn("replica reloaded", { group, index: state.appliedIndex, reason: reload.reason });
    onReloaded(group);
  }

  /** Until it is done, or aborted. */
  async #loadFromOthers(reload: Reload): Promise<void> {
    const { state, from } = reload;
    const { signal } = reload.abort;
    const pause = new GrowingPause(pauseMsMin, pauseMsMax);
    // A snapshot that was being installed when the damage was found has taken its place.
    while (!signal.aborted && state.damage !== undefined) {
      for (const node of from ?? this.#homesOf(state.group))
        if (!signal.aborted && state.damage !== undefined) await this.#tryToLoad(node, reload);
      if (state.damage !== undefined) await sleep(this.#parts.clock, pause.after(false), signal);
    }
  }

  async #tryToLoad(node: NodeId, reload: Reload): Promise<void> {
    const { group } = reload.state;
    try {
      await this.#load(node, reload);
    } catch (cause) {
      if (!mayPass(cause)) throw cause;
      this.#parts.journal.warn("replica not reloaded", { group, from: node, problem: String(cause) });
    }
  }

  async #load(node: NodeId, reload: Reload): Promise<void> {
    const { network, hasRoom, clock, wal } = this.#parts;
    const { state, abort } = reload;
    const { group } = state;
    const checkpoint = wal.group(group)?.checkpoint ?? logIndex(0);
    const isTrusted = clock.monotonicMs() < reload.begunAtMs + leasesMs;
    const from = isTrusted ? logIndex(Math.max(checkpoint, state.appliedIndex)) : checkpoint;
    const request = { head: encode(stateQuestionCodec, { kind: "state", group, from }), body: emptyBody };
    const answer = await network.exchange(node, request, abort.signal);
    const position = positionIn(answer, from);
    const staged = await state.stage(position, whileThereIsRoom(answer.body, hasRoom));
    if (abort.signal.aborted) return;
    await this.#joinLog(group, position);
    await staged.install();
  }

  /**
   * Everything up to the state's place is agreed on. With Raft a log with another entry there has none behind it that could be, and
   * ends at it as it would by its leader's word; with Multi-Paxos the ballots of one place may differ, and what stands behind it
   * was accepted.
   */
  async #joinLog(group: GroupId, { index, ballot }: StatePosition): Promise<void> {
    const { wal, consensus } = this.#parts;
    const info = wal.group(group);
    if (info === undefined) return;
    const isOther = consensus === "raft" && wal.ballotAt(group, index) !== ballot;
    if (info.lastIndex < index || isOther) await wal.append({ group, base: { index, ballot }, entries: [] });
  }
}

function positionIn({ head }: Exchange, from: LogIndex): StatePosition {
  const said: StateAnswer = decode(stateAnswerCodec, head);
  if (said.kind === "refused") throw new NetworkError("refused", said.reason);
  if (said.kind !== "state" || said.position.index < from)
    throw new DecodeError("the answer is not what was asked for");
  return said.position;
}

/** Nothing was changed here, and another node or another moment may do. */
function mayPass(cause: unknown): boolean {
  return (
    cause instanceof NetworkError ||
    cause instanceof DecodeError ||
    cause instanceof StateSnapshotError ||
    cause instanceof NoRoomError ||
    (cause instanceof DiskError && cause.kind === "no-space")
  );
}

function statusOf({ state, reason }: Reload): ReloadStatus {
  return { group: state.group, reason };
}
