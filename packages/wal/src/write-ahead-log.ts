import type { Ballot, GroupId, LogIndex } from "@holdfast/base";

/** One entry of one group's log; the payload is opaque here. */
export interface LogEntry {
  readonly index: LogIndex;
  readonly ballot: Ballot;
  readonly payload: Uint8Array;
}

/** A place in a group's log. */
export interface LogPosition {
  readonly index: LogIndex;
  readonly ballot: Ballot;
}

/** What one group wants durable, as one whole: after a crash all of it is there or none. */
export interface LogWrite {
  readonly group: GroupId;
  /**
   * The group's state was loaded from a snapshot that ends here, and flushed: the log forgets all its entries and
   * begins anew behind it.
   */
  readonly base?: LogPosition;
  /** Contiguous. The first may lie at or below the group's last index: then it replaces the suffix from there on. */
  readonly entries: readonly LogEntry[];
  /** Opaque; replaces the earlier one. */
  readonly hardState?: Uint8Array;
}

/** What the log holds durably of one group. */
export interface GroupInfo {
  readonly hardState: Uint8Array | undefined;
  readonly checkpoint: LogIndex;
  /** Index of the first readable entry, always `checkpoint + 1`; above `lastIndex` when there is none. */
  readonly firstIndex: LogIndex;
  /** Of the last entry, or of the checkpoint when there is none behind it. */
  readonly lastIndex: LogIndex;
  readonly lastBallot: Ballot;
  readonly suspicion: Suspicion | undefined;
}

/**
 * `torn`: never written whole; `rot`: written, then changed; `missing`: the header that named it is gone. Of several losses `torn` only if
 * all of them are.
 */
export type DamageEvidence = "torn" | "rot" | "missing";

/**
 * The log lost something of this group that may have been acknowledged (SAFETY.md S10). The readable log ends before
 * `from`. Until it is settled the node must not count `from` to `through` as held, nor vote for a log that ends before
 * (`through`, `ballot`); with `hardStateLost` it may have voted in a ballot it no longer knows.
 */
export interface Suspicion {
  readonly from: LogIndex;
  /** Last index known to have been in the log; below `from` when none is known to be lost. */
  readonly through: LogIndex;
  /** Ballot of the entry at `through`, as far as known. */
  readonly ballot: Ballot;
  readonly hardStateLost: boolean;
  /** The headers that would tell are gone: entries behind `through` may be lost too, so no vote at all is safe. */
  readonly openEnded: boolean;
  readonly evidence: DamageEvidence;
}

/**
 * The write-ahead log of one node, shared by its consensus groups: one file at a time, one write per batch for all
 * groups, one batch in flight.
 */
export interface WriteAheadLog {
  /** Names this log's life; a new one means that everything acknowledged by an earlier one is gone (S11). */
  readonly incarnation: string;
  /** Bytes of appends that wait or are being written. */
  readonly queuedBytes: number;
  /** Bytes written since the log was opened, headers and padding included. */
  readonly writtenBytes: number;
  /** Bytes of all segment files, the one prepared ahead included. */
  readonly segmentsBytes: number;
  readonly segmentsCount: number;
  /** Why nothing can be appended any more, or undefined. */
  readonly stopped: "poisoned" | "closed" | undefined;
  /** False while an append of so many payload bytes would be refused for lack of room on disk or in the queue. */
  admits(payloadBytes: number): boolean;
  /**
   * Resolves when the write is durable; appends resolve in order. Rejects with WalError and then nothing was written,
   * except for `poisoned`, where the outcome is unknown. The caller leaves the payloads unchanged meanwhile.
   */
  append(write: LogWrite): Promise<void>;
  /** To be called by who knows that nothing more comes at this moment: what was appended is written at once. */
  writeNow(): void;
  /**
   * The entries from `from` up to and without `to`, as many as fit `bytesMax`, at least one; checksums are verified
   * again. Rejects with WalError `compacted` or `damaged`.
   */
  entries(group: GroupId, from: LogIndex, to: LogIndex, bytesMax: number): Promise<readonly LogEntry[]>;
  /** The ballot of a durable entry or of the checkpoint; undefined for all others. */
  ballotAt(group: GroupId, index: LogIndex): Ballot | undefined;
  group(group: GroupId): GroupInfo | undefined;
  /** The group's last index once everything queued is durable: the next append joins on behind it. */
  queuedLastIndex(group: GroupId): LogIndex;
  groups(): readonly GroupId[];
  /**
   * The caller promises that everything up to `through` is applied AND flushed elsewhere (S9). Segments that nobody
   * needs any more are deleted in the background.
   */
  checkpoint(group: GroupId, through: LogIndex): void;
  /**
   * Ends the suspicion: the lost entries were fetched, a majority with intact logs is known to lack them, or the loss
   * is accepted. Resolves when that is durable.
   */
  settle(group: GroupId): Promise<void>;
  /**
   * The caller has dealt with `recovery.headersLost`: every group that it knows is on record here, or joins anew. Until
   * then no segment is deleted, so that the next start finds the same damage again.
   */
  acceptHeadersLost(): void;
  /** The group left this node for good; resolves when that is durable. */
  forget(group: GroupId): Promise<void>;
  /** Writes what is queued, proves it, then closes the files. */
  close(): Promise<void>;
}

/** A tail that was never acknowledged, or may be taken so by the caller's choice, and was dropped. */
export interface CutTail {
  readonly segment: number;
  readonly offset: number;
  /** `missing`: not even a header could be read. */
  readonly evidence: DamageEvidence;
  /** Groups whose entries or hard state were in it, as far as a header says so. */
  readonly groups: readonly GroupId[];
}

/** What opening the log found. */
export interface WalRecovery {
  /** There was no log in the folder: this node has to join as an empty one (S11). */
  readonly created: boolean;
  readonly groups: ReadonlyMap<GroupId, GroupInfo>;
  /** Groups that must not count what they lost (S10); also in their `GroupInfo`. */
  readonly suspects: ReadonlyMap<GroupId, Suspicion>;
  readonly cut: CutTail | undefined;
  /**
   * Headers of proven batches are gone: also a group that is not among `groups` may have lost what it had. Said at
   * every start until `acceptHeadersLost`.
   */
  readonly headersLost: boolean;
  /** Batches read, damaged ones among them, and segment files found. */
  readonly batchesCount: number;
  readonly damagedBatchesCount: number;
  readonly segmentsCount: number;
}
