/**
 * What a node asks another about the system group's log. The answer's head is empty, and comes once it is so.
 *
 *   applied: 0x01 | index
 */

import type { Codec, LogIndex } from "@holdfast/base";
import { branded, record, union, variant } from "@holdfast/base";

export interface AppliedQuestion {
  readonly kind: "applied";
  readonly index: LogIndex;
}

export const appliedQuestionCodec: Codec<AppliedQuestion> = union({
  applied: variant(1, record({ index: branded<LogIndex>() })),
});
