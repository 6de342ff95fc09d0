import type { Ballot, LogIndex } from "@holdfast/base";
import type { ReplicaId } from "./replica-id.ts";

/** Why a replica did not take what it was asked. Nothing was changed. */
export type Refusal =
  /** Ask the leader; undefined while none is known. */
  | { readonly kind: "not-leader"; readonly leader: ReplicaId | undefined }
  /** Too many bytes wait to be committed: later. */
  | { readonly kind: "overloaded" }
  /** Leadership is being handed over: ask again in a moment. */
  | { readonly kind: "transferring"; readonly to: ReplicaId }
  /**
   * The change of membership before has not ended, as far as this leader knows. Multi-Paxos refuses commands too while it
   * waits for a membership to be applied (S14): later.
   */
  | { readonly kind: "change-in-progress" }
  | { readonly kind: "invalid-change"; readonly problem: string };

/** An entry was appended to the leader's log. Committed is it when an entry with this index and ballot is. */
export interface Proposed {
  readonly kind: "proposed";
  readonly index: LogIndex;
  readonly ballot: Ballot;
}
