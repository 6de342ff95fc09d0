/** Connections that were refused: all are counted, and of each reason one line in a while is written, for anybody may call. */

import type { Clock, Journal } from "@holdfast/ports";
import type { NetworkMetrics, RefusalReason } from "./network-metrics.ts";

const lineEveryMs = 10_000;

export class Refusals {
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #metrics: NetworkMetrics;
  /** By reason: when the next line may be written, and how many were not. */
  readonly #quiet = new Map<RefusalReason, { untilMs: number; skipped: number }>();

  constructor(clock: Clock, journal: Journal, metrics: NetworkMetrics) {
    this.#clock = clock;
    this.#journal = journal;
    this.#metrics = metrics;
  }

  add(reason: RefusalReason, message: string, remoteAddress: string): void {
    this.#metrics.refused(reason);
    const nowMs = this.#clock.monotonicMs();
    const quiet = this.#quiet.get(reason);
    if (quiet !== undefined && nowMs < quiet.untilMs) {
      quiet.skipped++;
      return;
    }
    this.#quiet.set(reason, { untilMs: nowMs + lineEveryMs, skipped: 0 });
    const similar = quiet?.skipped ?? 0;
    this.#journal.warn("network.connection.refused", { reason, message, remoteAddress, similar });
  }
}
