/**
 * A leader's followers: who they are, what leaves for each of them, whether a quorum of them is there, and the read
 * barriers that they confirm. The same in every protocol; how it is said is the protocol's (`LeaderVoice`).
 */

import type { LogIndex } from "@holdfast/base";
import { assert, logIndex } from "@holdfast/base";
import type { Envelope, Fetched } from "../contract/consensus.ts";
import type { Entry, LogPosition } from "../contract/entry.ts";
import { entryBytes } from "../contract/entry.ts";
import type { Membership } from "../contract/membership.ts";
import { emptyMembership, membersOf } from "../contract/membership.ts";
import { quorumHolds, quorumValue } from "../contract/quorum.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import { FollowerProgress } from "./follower-progress.ts";
import type { Reader } from "./read-barriers.ts";
import { ReadBarriers } from "./read-barriers.ts";
import type { ReplicaState } from "./replica-state.ts";

/** What a leader says to one follower. */
export interface LeaderVoice {
  /** None: where do you stand? */
  sendEntries(to: ReplicaId, previous: LogPosition, entries: readonly Entry[]): void;
  sendCommit(to: ReplicaId, commitIndex: LogIndex): void;
  sendHeartbeat(to: ReplicaId, commitIndex: LogIndex, round: number): void;
  sendReadIndexReply(to: ReplicaId, request: number, index: LogIndex, commitIndex: LogIndex): void;
}

type FetchedEntries = Extract<Fetched, { readonly kind: "entries" }>;

export class Followers<Message extends Envelope> {
  readonly #state: ReplicaState<Message>;
  readonly #voice: LeaderVoice;
  readonly #barriers = new ReadBarriers();
  #progress: ReadonlyMap<ReplicaId, FollowerProgress> = new Map();
  /** The membership that they are of. */
  #membership: Membership = emptyMembership;
  #heartbeatElapsed = 0;
  /** The leader's own log counts up to here. */
  #ownMatchIndex: LogIndex = logIndex(0);

  constructor(state: ReplicaState<Message>, voice: LeaderVoice) {
    this.#state = state;
    this.#voice = voice;
  }

  get all(): Iterable<FollowerProgress> {
    return this.#progress.values();
  }

  get(id: ReplicaId): FollowerProgress | undefined {
    return this.#progress.get(id);
  }

  /** To be called after the membership may have changed. New ones are asked behind `nextIndex - 1`. */
  follow(nextIndex: LogIndex): void {
    const { id, limits, membership } = this.#state;
    if (this.#membership === membership) return;
    const followers = new Map<ReplicaId, FollowerProgress>();
    for (const member of membersOf(membership))
      if (member !== id)
        followers.set(member, this.#progress.get(member) ?? new FollowerProgress(member, nextIndex, limits));
    this.#progress = followers;
    this.#membership = membership;
  }

  matchIndexOf(id: ReplicaId): LogIndex {
    return id === this.#state.id ? this.#ownMatchIndex : (this.#progress.get(id)?.matchIndex ?? logIndex(0));
  }

  /** What a quorum holds durably, the leader itself up to `ownMatchIndex`. */
  quorumMatchIndex(ownMatchIndex: LogIndex): LogIndex {
    this.#ownMatchIndex = ownMatchIndex;
    return logIndex(quorumValue(this.#state.membership, this.#matchIndexOf));
  }

  readonly #matchIndexOf = (id: ReplicaId): number => this.matchIndexOf(id);

  /** Everything that waits for the moment when the host looks, of the log up to `through`. */
  prepare(through: LogIndex): void {
    if (this.#barriers.begin()) this.sendHeartbeats();
    this.#confirmReads();
    for (const progress of this.#progress.values()) this.#replicate(progress, through, undefined);
  }

  /** For invariants: `prepare` would send nothing. */
  isPrepared(through: LogIndex): boolean {
    const { commitIndex, log, writes } = this.#state;
    return [...this.all].every((progress) => {
      const { isPaused, nextIndex, needsProbe, mode, matchIndex, commitSent } = progress;
      const isTold = mode !== "replicate" || Math.min(commitIndex, matchIndex) <= commitSent;
      const waitsForBase = nextIndex <= log.base.index && !writes.baseIsDurable;
      return (isPaused || nextIndex > through || waitsForBase) && !needsProbe && isTold;
    });
  }

  /** The host has read old entries, or they are gone. */
  provide(fetched: Fetched, through: LogIndex): void {
    const progress = this.#progress.get(fetched.to);
    if (progress?.isFetching !== true) return;
    progress.isFetching = false;
    if (fetched.kind === "entries") {
      this.#replicate(progress, through, fetched);
      return;
    }
    progress.becomeSnapshot();
    this.#state.snapshots.push(progress.id);
  }

  tick(): void {
    this.#heartbeatElapsed++;
    if (this.#heartbeatElapsed >= this.#state.limits.heartbeatTicks) this.sendHeartbeats();
  }

  sendHeartbeats(): void {
    this.#heartbeatElapsed = 0;
    const { round } = this.#barriers;
    for (const progress of this.#progress.values()) {
      const known = logIndex(Math.min(this.#state.commitIndex, progress.matchIndex));
      progress.commitSent = known;
      this.#voice.sendHeartbeat(progress.id, known, round);
    }
  }

  onHeartbeatReply(from: ReplicaId, round: number, through: LogIndex): void {
    const progress = this.#progress.get(from);
    if (progress === undefined) return;
    progress.recentlyActive = true;
    progress.onHeartbeatReply(through);
    if (round > progress.round) progress.round = round;
    this.#confirmReads();
  }

  /** Ongaro's thesis §6.2: a leader that a quorum does not answer is none. False when it is not one. */
  checkQuorum(): boolean {
    const { id: self, membership } = this.#state;
    const holds = quorumHolds(
      membership,
      (id) => id === self || this.#progress.get(id)?.recentlyActive === true,
    );
    for (const progress of this.#progress.values()) progress.recentlyActive = false;
    return holds;
  }

  /** The latest round of read barriers that has begun. */
  get round(): number {
    return this.#barriers.round;
  }

  /** `commitIndex` undefined: the leader does not know all that is committed yet. */
  read(reader: Reader, commitIndex: LogIndex | undefined): void {
    this.#barriers.add(reader, commitIndex);
  }

  /** From now on the leader knows what is committed. */
  onFirstCommit(commitIndex: LogIndex): void {
    this.#barriers.onFirstCommit(commitIndex);
  }

  /** Leadership ends: nobody confirms the barriers that wait. */
  abandon(): void {
    for (const reader of this.#barriers.abandon())
      if (reader.kind === "local") this.#state.reads.push({ context: reader.context, index: undefined });
  }

  checkInvariants(lastIndex: LogIndex): void {
    for (const progress of this.#progress.values()) progress.checkInvariants(lastIndex);
    assert(this.#membership === this.#state.membership, "a leader follows its membership");
  }

  readonly #roundOf = (id: ReplicaId): number =>
    id === this.#state.id ? this.#barriers.round : (this.#progress.get(id)?.round ?? 0);

  #confirmReads(): void {
    if (!this.#barriers.isWaiting) return;
    const { membership, reads, commitIndex } = this.#state;
    for (const { reader, index } of this.#barriers.confirm(quorumValue(membership, this.#roundOf))) {
      if (reader.kind === "local") {
        reads.push({ context: reader.context, index });
        continue;
      }
      const { from: to, request } = reader;
      const known = logIndex(Math.min(commitIndex, this.matchIndexOf(to)));
      this.#voice.sendReadIndexReply(to, request, index, known);
    }
  }

  /** `fetched`: entries that the host has read for it, which are not in memory any more. */
  #replicate(progress: FollowerProgress, through: LogIndex, fetched: FetchedEntries | undefined): void {
    if (fetched !== undefined && fetched.previous.index === progress.nextIndex - 1 && !progress.isPaused)
      this.#send(progress, fetched.previous, fetched.entries);
    const { log, limits } = this.#state;
    while (!progress.isPaused && progress.nextIndex <= through) {
      const previousIndex = logIndex(progress.nextIndex - 1);
      const ballot = log.ballotAt(previousIndex);
      if (ballot === undefined) {
        progress.isFetching = this.#state.fetch(progress.id, progress.nextIndex);
        break;
      }
      const entries = log.slice(progress.nextIndex, through, limits.messageBytesMax);
      this.#send(progress, { index: previousIndex, ballot }, entries);
    }
    if (progress.needsProbe && progress.mode !== "snapshot") this.#probe(progress);
    progress.needsProbe = false;
    this.#tellCommit(progress);
  }

  #send(progress: FollowerProgress, previous: LogPosition, entries: readonly Entry[]): void {
    let bytes = 0;
    for (const entry of entries) bytes += entryBytes(entry);
    const lastIndex = logIndex(previous.index + entries.length);
    this.#voice.sendEntries(progress.id, previous, entries);
    const told = Math.min(this.#state.commitIndex, lastIndex);
    progress.commitSent = logIndex(Math.max(progress.commitSent, told));
    progress.onSent(lastIndex, bytes);
  }

  /** Asks without entries: a follower that lacks what was sent to it says so. */
  #probe(progress: FollowerProgress): void {
    const index = logIndex(progress.nextIndex - 1);
    const ballot = this.#state.log.ballotAt(index);
    if (ballot !== undefined) this.#voice.sendEntries(progress.id, { index, ballot }, []);
  }

  #tellCommit(progress: FollowerProgress): void {
    if (progress.mode !== "replicate") return;
    const known = logIndex(Math.min(this.#state.commitIndex, progress.matchIndex));
    if (known <= progress.commitSent) return;
    progress.commitSent = known;
    this.#voice.sendCommit(progress.id, known);
  }
}
