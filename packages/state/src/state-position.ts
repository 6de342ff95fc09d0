import type { Ballot, Codec, LogIndex } from "@holdfast/base";
import { ballot, branded, byteString, emptyBytes, logIndex, record } from "@holdfast/base";

/** The entry behind which a state stands, and which membership counts there. */
export interface StatePosition {
  readonly index: LogIndex;
  /** Of that entry: with the index it names the log up to there. */
  readonly ballot: Ballot;
  /** In the consensus group's own encoding; the same bytes from entry to entry while it does not change. */
  readonly membership: Uint8Array;
}

/** Of a group to which nothing was applied. */
export const initialPosition: StatePosition = {
  index: logIndex(0),
  ballot: ballot(0),
  membership: emptyBytes,
};

export const statePositionCodec: Codec<StatePosition> = record({
  index: branded<LogIndex>(),
  ballot: branded<Ballot>(),
  membership: byteString,
});
