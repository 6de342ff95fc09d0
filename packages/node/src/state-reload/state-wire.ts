/**
 * What a node asks another about the state of groups that have a replica there (S12).
 *
 *   state: 0x01 | group | from        a state at or behind that index, whole; it is the answer's body
 *   digests: 0x02 | groups            what their digests were at which indexes
 *
 * Answers: state: 0x01 | position, digests: 0x02 | by group, refused: 0x03 | why.
 */

import type { Codec, GroupId, LogIndex } from "@holdfast/base";
import { branded, record, text, union, variant } from "@holdfast/base";
import type { StateDigest, StatePosition } from "@holdfast/state";
import { stateDigestCodec, statePositionCodec } from "@holdfast/state";
import { shortList } from "../network/bounded-codecs.ts";

export type StateQuestion =
  | { readonly kind: "state"; readonly group: GroupId; readonly from: LogIndex }
  | { readonly kind: "digests"; readonly groups: readonly GroupId[] };

export interface DigestAt {
  readonly index: LogIndex;
  readonly digest: StateDigest;
}

export interface GroupDigests {
  readonly group: GroupId;
  readonly digests: readonly DigestAt[];
}

export type StateAnswer =
  | { readonly kind: "state"; readonly position: StatePosition }
  | { readonly kind: "digests"; readonly groups: readonly GroupDigests[] }
  | { readonly kind: "refused"; readonly reason: string };

/** Groups of one question. */
export const askedGroupsMax = 1000;
const digestsMax = 64;

const groupCodec = branded<GroupId>();
const indexCodec = branded<LogIndex>();
const digestsCodec = shortList(record({ index: indexCodec, digest: stateDigestCodec }), digestsMax);

export const stateQuestionCodec: Codec<StateQuestion> = union({
  state: variant(1, record({ group: groupCodec, from: indexCodec })),
  digests: variant(2, record({ groups: shortList(groupCodec, askedGroupsMax) })),
});

export const stateAnswerCodec: Codec<StateAnswer> = union({
  state: variant(1, record({ position: statePositionCodec })),
  digests: variant(
    2,
    record({ groups: shortList(record({ group: groupCodec, digests: digestsCodec }), askedGroupsMax) }),
  ),
  refused: variant(3, record({ reason: text })),
});
