/** What an acceptor must not forget: what it has promised, and what it accepted in which ballot. The log has the values. */

import type { Ballot, Codec, LogIndex } from "@holdfast/base";
import { ballot, branded, list, logIndex, record, versioned } from "@holdfast/base";
import type { AcceptanceStep } from "./acceptances.ts";

export interface MultiPaxosHardState {
  /** No ballot below it is answered, or used by this replica itself. */
  readonly promised: Ballot;
  readonly acceptances: readonly AcceptanceStep[];
  /** All slots up to here are known to be chosen; it may lag, but never behind a membership that is (S14). */
  readonly chosenIndex: LogIndex;
}

export const multiPaxosHardStateCodec: Codec<MultiPaxosHardState> = versioned(
  1,
  record({
    promised: branded<Ballot>(),
    acceptances: list(record({ through: branded<LogIndex>(), ballot: branded<Ballot>() })),
    chosenIndex: branded<LogIndex>(),
  }),
);

export const initialHardState: MultiPaxosHardState = {
  promised: ballot(0),
  acceptances: [],
  chosenIndex: logIndex(0),
};
