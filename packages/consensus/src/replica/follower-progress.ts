/**
 * What a leader knows of one follower, and how much it may send to it:
 *   probe: where the logs agree is being searched, one message at a time;
 *   replicate: entries are streamed ahead of their acknowledgements, bounded by messages and bytes;
 *   snapshot: the log does not reach back far enough, the hosts stream a snapshot.
 */

import type { LogIndex } from "@holdfast/base";
import { assert, logIndex } from "@holdfast/base";
import type { ConsensusLimits, FollowerStatus } from "../contract/consensus.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import { Fifo } from "../log/fifo.ts";

interface Inflight {
  readonly lastIndex: LogIndex;
  readonly bytes: number;
}

export class FollowerProgress {
  readonly id: ReplicaId;
  readonly #limits: ConsensusLimits;
  #mode: FollowerStatus["mode"] = "probe";
  #matchIndex: LogIndex = logIndex(0);
  #nextIndex: LogIndex;
  readonly #inflights = new Fifo<Inflight>();
  #inflightBytes = 0;
  /** In probe: a message is on its way, and the next one waits for its reply or for a heartbeat's. */
  #probeSent = false;
  /** It lives, yet has not acknowledged everything: what was sent may be lost, so ask where it stands. */
  needsProbe = false;
  /** The host is reading old entries for it. */
  isFetching = false;
  /** Heard from since the last check of the quorum. */
  recentlyActive = true;
  /** The latest commit index that a message has carried to it. */
  commitSent: LogIndex = logIndex(0);
  /** The latest round of heartbeats that it has answered. */
  round = 0;

  constructor(id: ReplicaId, nextIndex: LogIndex, limits: ConsensusLimits) {
    this.id = id;
    this.#nextIndex = nextIndex;
    this.#limits = limits;
  }

  get mode(): FollowerStatus["mode"] {
    return this.#mode;
  }

  get matchIndex(): LogIndex {
    return this.#matchIndex;
  }

  get nextIndex(): LogIndex {
    return this.#nextIndex;
  }

  /** Nothing may be sent to it now. */
  get isPaused(): boolean {
    if (this.isFetching) return true;
    switch (this.#mode) {
      case "probe":
        return this.#probeSent;
      case "replicate":
        return (
          this.#inflights.length >= this.#limits.inflightMessagesMax ||
          this.#inflightBytes >= this.#limits.inflightBytesMax
        );
      case "snapshot":
        return true;
    }
  }

  /** A message with these entries, from `nextIndex` on, was sent. */
  onSent(lastIndex: LogIndex, bytes: number): void {
    if (this.#mode === "probe") {
      this.#probeSent = true;
      return;
    }
    assert(this.#mode === "replicate", "entries are sent in probe or replicate");
    if (lastIndex < this.#nextIndex) return;
    this.#nextIndex = logIndex(lastIndex + 1);
    this.#inflights.push({ lastIndex, bytes });
    this.#inflightBytes += bytes;
  }

  /** Its log agrees up to here. False when that was known already. */
  onAccepted(matchIndex: LogIndex): boolean {
    const isNews = matchIndex > this.#matchIndex;
    if (isNews) this.#matchIndex = matchIndex;
    if (matchIndex >= this.#nextIndex) this.#nextIndex = logIndex(matchIndex + 1);
    this.#freeInflights();
    if (this.#mode === "probe") {
      // Any acceptance tells where the logs agree.
      this.#becomeReplicate();
    } else if (this.#mode === "snapshot" && isNews) {
      // Whatever brought it that far, entries from there on may suffice; if not, it asks for a snapshot again.
      this.#becomeReplicate();
    }
    return isNews;
  }

  /** A message behind `rejectedIndex` did not fit; the logs may agree at `agreedIndex`. False when that is old news. */
  onRejected(rejectedIndex: LogIndex, agreedIndex: LogIndex): boolean {
    if (this.#mode === "replicate") {
      if (rejectedIndex <= this.#matchIndex) return false;
      this.#becomeProbe(logIndex(this.#matchIndex + 1));
      return true;
    }
    if (this.#mode !== "probe" || rejectedIndex !== this.#nextIndex - 1) return false;
    this.#nextIndex = logIndex(Math.max(Math.min(rejectedIndex, agreedIndex + 1), this.#matchIndex + 1));
    this.#probeSent = false;
    return true;
  }

  /** It lost what it had acknowledged (S10). */
  onLost(agreedIndex: LogIndex): void {
    this.#matchIndex = logIndex(0);
    this.#becomeProbe(logIndex(agreedIndex + 1));
  }

  /** It is alive: a probe, or a full window, may be tried again, since what was sent may be lost. */
  onHeartbeatReply(lastIndex: LogIndex): void {
    this.#probeSent = false;
    const isBehind = this.#matchIndex < lastIndex;
    // In probe, entries ask by themselves, unless there are none left to send.
    const asks = this.#mode === "probe" && this.#nextIndex <= lastIndex;
    this.needsProbe = isBehind && !asks && this.#mode !== "snapshot";
    // A lost message would otherwise hold its place for ever: let one more pass (etcd-io/raft does so, too).
    if (this.#mode === "replicate" && this.isPaused && !this.isFetching) this.#dropOldestInflight();
  }

  /** What was on its way is probably lost. */
  onUnreachable(): void {
    if (this.#mode === "replicate") this.#becomeProbe(logIndex(this.#matchIndex + 1));
  }

  becomeSnapshot(): void {
    this.#mode = "snapshot";
    this.#clearInflights();
    this.#probeSent = false;
  }

  /**
   * Delivered: its log probably reaches to where the window begins; probed there it says how far, and needs no second
   * snapshot because its acknowledgement is still on the way. Failed: it has to give a sign of life before the next.
   */
  onSnapshotEnded(outcome: "delivered" | "failed", baseIndex: LogIndex): void {
    if (this.#mode !== "snapshot") return;
    const agreed = outcome === "delivered" ? Math.max(this.#matchIndex, baseIndex) : this.#matchIndex;
    this.#becomeProbe(logIndex(agreed + 1));
    this.#probeSent = outcome === "failed";
  }

  status(): FollowerStatus {
    const { id, matchIndex, nextIndex, mode, recentlyActive } = this;
    return { id, matchIndex, nextIndex, mode, recentlyActive };
  }

  checkInvariants(lastIndex: LogIndex): void {
    assert(this.#matchIndex < this.#nextIndex, "match is below next");
    assert(this.#nextIndex <= lastIndex + 1, "next is at most one behind the log");
    assert(this.#mode === "replicate" || this.#inflights.length === 0, "inflights in replicate alone");
  }

  #becomeReplicate(): void {
    this.#mode = "replicate";
    this.#probeSent = false;
    this.#nextIndex = logIndex(this.#matchIndex + 1);
    this.#clearInflights();
  }

  #becomeProbe(nextIndex: LogIndex): void {
    this.#mode = "probe";
    this.#probeSent = false;
    this.#nextIndex = nextIndex;
    this.#clearInflights();
  }

  #freeInflights(): void {
    for (let { oldest } = this.#inflights; oldest !== undefined; oldest = this.#inflights.oldest) {
      if (oldest.lastIndex > this.#matchIndex) return;
      this.#inflightBytes -= oldest.bytes;
      this.#inflights.drop();
    }
  }

  #dropOldestInflight(): void {
    this.#inflightBytes -= this.#inflights.oldest?.bytes ?? 0;
    this.#inflights.drop();
  }

  #clearInflights(): void {
    this.#inflights.clear();
    this.#inflightBytes = 0;
  }
}
