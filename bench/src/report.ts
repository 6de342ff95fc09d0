/** One row: what was measured, its limit from the same run, and the ratio that the machine's mood cannot change. */

export interface Row {
  readonly name: string;
  readonly unit: string;
  /** What is durable when an operation counts as done. */
  readonly durable: string;
  readonly limitName: string;
  /** One per round, interleaved: ours, then the limit. */
  readonly rounds: readonly Round[];
  readonly target?: Target;
  /** What else was seen, such as the server's CPU time. */
  readonly notes?: readonly string[];
}

/** What was asked for. */
export interface Target {
  /** The median value, or the median ratio of value to limit. */
  readonly of: "value" | "ratio";
  readonly bound: "at least" | "at most";
  readonly is: number;
}

export interface Round {
  readonly value: number;
  readonly limit: number;
  /** CPU time of the measured process, all its threads, per operation, where it was measured: steadier than rates on a shared machine. */
  readonly cpuMicros?: { readonly value: number; readonly limit: number };
  /** The same by the names of the process' threads. */
  readonly threadMicros?: Readonly<Record<string, number>>;
  /** Share of one core that the load generator used, the larger of both runs. */
  readonly generatorCores: number;
}

/** A generator that used more than this was itself the limit: the row is void. */
export const generatorCoresMax = 0.9;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const [low, high] = [sorted[middle - 1] ?? 0, sorted[middle] ?? 0];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

export function ratioOf(row: Row): number {
  return median(row.rounds.map((round) => round.value / round.limit));
}

/** "void" when the load generator was the limit; "-" when nothing was asked for. */
export function verdict(row: Row): "-" | "void" | "met" | "not met" {
  if (generatorOf(row) > generatorCoresMax) return "void";
  const { target } = row;
  if (target === undefined) return "-";
  const reached = target.of === "ratio" ? ratioOf(row) : valueOf(row);
  const isMet = target.bound === "at least" ? reached >= target.is : reached <= target.is;
  return isMet ? "met" : "not met";
}

export function targetText({ target, unit }: Row): string {
  if (target === undefined) return "-";
  const { of, bound, is } = target;
  return of === "ratio" ? `ratio ${bound} ${is}` : `${bound} ${numberText(is)} ${unit}`;
}

export function valueOf(row: Row): number {
  return median(row.rounds.map((round) => round.value));
}

export function limitOf(row: Row): number {
  return median(row.rounds.map((round) => round.limit));
}

export function generatorOf(row: Row): number {
  return Math.max(...row.rounds.map((round) => round.generatorCores));
}

export function roundsText(row: Row): string {
  return row.rounds.map((round) => (round.value / round.limit).toFixed(2)).join(" ");
}

export function numberText(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return value.toFixed(value < 10 ? 2 : 1);
}

export function printRow(row: Row): void {
  console.log(`${row.name}`);
  console.log(
    `  ${numberText(valueOf(row))} ${row.unit}; limit ${numberText(limitOf(row))} (${row.limitName})`,
  );
  console.log(`  ratio ${ratioOf(row).toFixed(2)} (rounds ${roundsText(row)}); durable: ${row.durable}`);
  const cpu = row.rounds.flatMap((round) => round.cpuMicros ?? []);
  if (cpu.length > 0) {
    const [ours, bare] = [median(cpu.map((c) => c.value)), median(cpu.map((c) => c.limit))];
    console.log(`  CPU ${ours.toFixed(2)} us each; limit ${bare.toFixed(2)} us`);
  }
  if (row.target !== undefined) console.log(`  target ${targetText(row)}: ${verdict(row)}`);
  const generator = generatorOf(row);
  const isVoid = generator > generatorCoresMax ? "  VOID: the load generator was the limit" : "";
  if (generator > 0) console.log(`  load generator ${generator.toFixed(2)} of a core${isVoid}`);
  for (const note of row.notes ?? []) console.log(`  ${note}`);
}
