/**
 * Which contents of a shard have been dead for as long as readers may take (S6), by this process' own monotonic time:
 * clocks that jump let nobody's blocks go early, and after a start the time begins anew, in full.
 *
 * Cluster time only grows. So what died before the cluster time of some moment was dead at that moment, and once the
 * grace has passed since, it may be erased.
 */

interface Mark {
  readonly atMs: number;
  readonly clusterTimeMs: number;
}

/** Marks closer together than this part of the grace are not worth keeping. */
const marksPerGrace = 32;

export class DeathWatch {
  readonly #graceMs: number;
  /** Oldest first; of those that are past the grace only the newest is kept. */
  #marks: readonly Mark[] = [];

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** It is `nowMs`, monotonic, and this is the shard's cluster time. */
  look(nowMs: number, clusterTimeMs: number): void {
    const last = this.#marks.at(-1);
    if (last !== undefined && nowMs - last.atMs < this.#graceMs / marksPerGrace) return;
    this.#marks = [...this.#marks.slice(this.#newestPast(nowMs)), { atMs: nowMs, clusterTimeMs }];
  }

  /** Contents that died before this cluster time are past the grace; undefined when none can be. */
  pastGrace(nowMs: number): number | undefined {
    return this.#isPast(this.#marks[this.#newestPast(nowMs)], nowMs)?.clusterTimeMs;
  }

  #newestPast(nowMs: number): number {
    let newest = 0;
    for (let i = 0; this.#isPast(this.#marks[i], nowMs) !== undefined; i++) newest = i;
    return newest;
  }

  #isPast(mark: Mark | undefined, nowMs: number): Mark | undefined {
    return mark !== undefined && nowMs - mark.atMs >= this.#graceMs ? mark : undefined;
  }
}
