/** How a follower asks its leader for read barriers; the same in every protocol (Ongaro's thesis, §6.4). */

import type { LogIndex } from "@holdfast/base";
import type { Envelope } from "../contract/consensus.ts";

export interface ReadIndexRequest extends Envelope {
  readonly kind: "ReadIndexRequest";
  /** The follower's number for a batch of barriers. */
  readonly request: number;
}

export interface ReadIndexReply extends Envelope {
  readonly kind: "ReadIndexReply";
  readonly request: number;
  readonly index: LogIndex;
  /** What the receiver may take as committed: never above what it has acknowledged. */
  readonly commitIndex: LogIndex;
}
