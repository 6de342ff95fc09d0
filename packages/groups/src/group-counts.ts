/** What a group host counts. */

import type { Counter, Metrics } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";

/** Why something that arrived was not looked at. */
export type FrameRefusal =
  /** The frame, or a message in it, cannot be read. */
  | "malformed"
  /** A newer program sent it. */
  | "version"
  | "unknown-group"
  /** Its sender is not where that replica lives, or lives no more (S11). */
  | "foreign"
  /** No correct replica could have sent it. */
  | "invalid"
  /** Too much waits already. */
  | "overflow";

const reasons: readonly FrameRefusal[] = [
  "malformed",
  "version",
  "unknown-group",
  "foreign",
  "invalid",
  "overflow",
];

export class GroupCounts {
  readonly frames: Counter;
  readonly messages: Counter;
  readonly unsent: Counter;
  readonly #refusals: ReadonlyMap<FrameRefusal, Counter>;

  constructor(metrics: Metrics) {
    this.frames = metrics.counter(allMetrics.groupFrames, {});
    this.messages = metrics.counter(allMetrics.groupMessages, {});
    this.unsent = metrics.counter(allMetrics.groupMessagesUnsent, {});
    this.#refusals = new Map(
      reasons.map((reason) => [reason, metrics.counter(allMetrics.groupRefusals, { reason })]),
    );
  }

  refused(reason: FrameRefusal): void {
    this.#refusals.get(reason)?.add(1);
  }
}
