/** What replicated blocks count. */

import type { Counter, Metrics } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";

export class ReplicationMetrics {
  readonly puts: Readonly<Record<"stored" | "short" | "conflict", Counter>>;
  readonly readFailures: Counter;
  readonly conflicts: Counter;
  readonly repairs: Readonly<Record<"missing" | "corrupt", Counter>>;
  readonly completed: Readonly<Record<"copied" | "in-place" | "dropped", Counter>>;

  constructor(metrics: Metrics) {
    const put = (outcome: string): Counter => metrics.counter(allMetrics.replicatedPuts, { outcome });
    const repair = (cause: string): Counter => metrics.counter(allMetrics.replicaRepairs, { cause });
    const completed = (outcome: string): Counter => metrics.counter(allMetrics.completedBlocks, { outcome });
    this.puts = { stored: put("stored"), short: put("short"), conflict: put("conflict") };
    this.repairs = { missing: repair("missing"), corrupt: repair("corrupt") };
    this.completed = {
      copied: completed("copied"),
      "in-place": completed("in-place"),
      dropped: completed("dropped"),
    };
    this.readFailures = metrics.counter(allMetrics.replicatedReadFailures, {});
    this.conflicts = metrics.counter(allMetrics.replicaConflicts, {});
  }
}
