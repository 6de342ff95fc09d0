/** Named bounds of the group host, and how long its moments last. */

import { KiB, limits, MiB } from "@holdfast/base";
import type { ConsensusLimits } from "@holdfast/consensus";

export interface GroupHostLimits {
  /** How long a tick lasts. A leader's heartbeats leave once a tick or as `consensus` says. */
  readonly tickMs: number;
  /** Of every group's replica. */
  readonly consensus: ConsensusLimits;
  /** A node that was not heard of for so many ticks is taken for dead: what rests because of it wakes. */
  readonly livenessTicks: number;
  /** A node whose connection ended and was not made anew for so many ticks is not waited for as long as one that is silent. */
  readonly awayTicks: number;
  /** A leader's group that had nothing to do for so many ticks rests; longer than an election timeout. */
  readonly quietTicks: number;
  /**
   * What groups may take in in one turn, messages and commands together, and as much again that they may apply: so many items,
   * divided evenly among those that are due, and at least so many each; and so many bytes each.
   */
  readonly turnItemsMax: number;
  readonly groupItemsMin: number;
  readonly groupBytesMax: number;
  /** Messages that wait for one group's turn; what comes beyond is lost, as on a network. */
  readonly inboxBytesMax: number;
  /** Longer commands are refused as `InvalidRequest`. */
  readonly commandBytesMax: number;
  /** A command that waits longer to be proposed is refused as `Overloaded`. */
  readonly proposeWaitMs: number;
  /** Commands that wait for one group's leader to take them; beyond, `Overloaded`. */
  readonly proposeBytesMax: number;
  /** A command whose fate is not known after so long ends as `OutcomeUnknown`. */
  readonly commitWaitMs: number;
  /** A read barrier that nobody confirmed for so long ends as `Unavailable`. */
  readonly readWaitMs: number;
  /** Entries of one group that were written and are not applied: beyond, no more are taken. */
  readonly unappliedBytesMax: number;
  /** Bytes that wait for one node: beyond, messages with entries are held back. */
  readonly peerBytesMax: number;
  /** A frame takes no further message beyond this. */
  readonly frameBytesMax: number;
  /** Old entries read for followers at once, and snapshots sent at once, by the whole node. */
  readonly fetchesMax: number;
  readonly snapshotsMax: number;
}

/**
 * A leader that dies with its node is followed within a second: its silence is noticed after 400 ms, and followers stand for
 * election between 400 and 800 ms after they last heard of it. When its connection ends with it, as that of a process does, they
 * stand between 150 and 550 ms after that.
 */
export const defaultGroupHostLimits: GroupHostLimits = {
  tickMs: 50,
  consensus: {
    electionTicks: 8,
    heartbeatTicks: 1,
    messageBytesMax: 256 * KiB,
    inflightMessagesMax: 64,
    inflightBytesMax: 2 * MiB,
    uncommittedBytesMax: 4 * MiB,
    committedBytesMax: 256 * KiB,
    windowBytesMax: 64 * KiB,
  },
  livenessTicks: 8,
  awayTicks: 3,
  quietTicks: 12,
  turnItemsMax: 64,
  groupItemsMin: 16,
  groupBytesMax: 256 * KiB,
  inboxBytesMax: 8 * MiB,
  commandBytesMax: limits.commandBytesMax,
  proposeWaitMs: 2000,
  proposeBytesMax: 4 * MiB,
  commitWaitMs: 10_000,
  readWaitMs: 5000,
  unappliedBytesMax: 8 * MiB,
  peerBytesMax: 8 * MiB,
  frameBytesMax: MiB,
  fetchesMax: 8,
  snapshotsMax: 2,
};

/**
 * A message or write up to this length brings no entries worth speaking of: it passes where larger ones wait, so that
 * elections, heartbeats and read barriers go on.
 */
export const smallBytes: number = KiB;
