/** Bad things that really happened to a simulated device, by kind: a run without any proves little. */

export type StruckFault =
  | "kill"
  | "power-loss"
  | "lost-change"
  | "torn-file"
  | "lost-name"
  | "lost-batch"
  | "failed-open"
  | "failed-read"
  | "failed-write"
  | "failed-sync"
  | "failed-folder-sync"
  | "failed-flush"
  | "full-disk"
  | "misdirected-write"
  | "lost-write"
  | "rot"
  | "broken-connection"
  | "lost-frame";

export class FaultCounts {
  readonly #counts = new Map<StruckFault, number>();

  add(fault: StruckFault, count: number = 1): void {
    if (count > 0) this.#counts.set(fault, this.of(fault) + count);
  }

  of(fault: StruckFault): number {
    return this.#counts.get(fault) ?? 0;
  }

  get entries(): readonly (readonly [StruckFault, number])[] {
    return [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
