/** What a replica does at its leader's word: entries, commit index, snapshots (Raft §5.3, §7). */

import type { LogIndex } from "@holdfast/base";
import { logIndex } from "@holdfast/base";
import type { Entry, LogPosition } from "../contract/entry.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import type { InstallSnapshot } from "../replica/snapshot-message.ts";
import type { AdvanceCommit, AppendEntries, Heartbeat } from "./messages.ts";
import type { RaftCore } from "./raft-core.ts";

export class Following {
  readonly #core: RaftCore;

  constructor(core: RaftCore) {
    this.#core = core;
  }

  onAppendEntries(message: AppendEntries): void {
    const core = this.#core;
    const { previousIndex, previousBallot, entries, commitIndex } = message;
    // Late: what it brings is committed here and agrees (§5.3, Log Matching).
    if (previousIndex < core.commitIndex) return this.#accept(message, core.commitIndex);
    if (core.log.ballotAt(previousIndex) !== previousBallot) return this.#reject(message);
    this.#store(entries);
    const lastNew = logIndex(previousIndex + entries.length);
    core.commitTo(logIndex(Math.min(commitIndex, lastNew)));
    this.#accept(message, lastNew);
  }

  onHeartbeat({ from: to, commitIndex, round }: Heartbeat): void {
    const core = this.#core;
    core.commitTo(commitIndex);
    core.send({ kind: "HeartbeatReply", from: core.id, to, ballot: core.ballot, round });
    // S10: the leader believes that this replica holds what it lost, and would not send it before the next proposal.
    if (core.lost !== undefined && commitIndex > core.log.lastIndex)
      this.#refuse(to, commitIndex, core.log.last);
  }

  onAdvanceCommit({ commitIndex }: AdvanceCommit): void {
    this.#core.commitTo(commitIndex);
  }

  /** The snapshot waits beside the state. One that this log has reached already is not needed. */
  onInstallSnapshot(message: InstallSnapshot): void {
    const core = this.#core;
    const { snapshotIndex: index, snapshotBallot: ballot, membership } = message;
    if (index <= core.commitIndex) return this.#accept(message, core.commitIndex);
    if (core.log.ballotAt(index) === ballot) core.commitTo(index);
    else core.install({ index, ballot, membership });
    this.#accept(message, index);
  }

  /** Only a real conflict cuts the log: a late message that brings less than is here changes nothing (§5.3). */
  #store(entries: readonly Entry[]): void {
    const core = this.#core;
    const start = this.#firstNew(entries);
    const first = entries[start];
    if (first === undefined) return;
    if (first.index <= core.log.lastIndex) core.truncate(first.index);
    core.appendAll(start === 0 ? entries : entries.slice(start));
  }

  /** Position of the first entry that the log does not hold. */
  #firstNew(entries: readonly Entry[]): number {
    const { log } = this.#core;
    const first = entries[0];
    if (first === undefined || first.index > log.lastIndex) return 0;
    const found = entries.findIndex(({ index, ballot }) => log.ballotAt(index) !== ballot);
    return found < 0 ? entries.length : found;
  }

  /** Also for a message that came twice: its entries may still be on their way to the disk. */
  #accept({ from: to }: { readonly from: AppendEntries["from"] }, matchIndex: LogIndex): void {
    const core = this.#core;
    const { id: from, ballot } = core;
    core.sendWhenDurable({ kind: "AppendEntriesReply", outcome: "accepted", from, to, ballot, matchIndex });
  }

  #reject({ from: to, previousIndex, previousBallot }: AppendEntries): void {
    this.#refuse(to, previousIndex, this.#core.log.lastAtOrBelow(previousIndex, previousBallot));
  }

  #refuse(to: ReplicaId, rejectedIndex: LogIndex, hint: LogPosition): void {
    const core = this.#core;
    core.send({
      kind: "AppendEntriesReply",
      outcome: "rejected",
      from: core.id,
      to,
      ballot: core.ballot,
      rejectedIndex,
      hintIndex: hint.index,
      hintBallot: hint.ballot,
      lost: core.lost !== undefined,
    });
  }
}
