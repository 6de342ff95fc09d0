/** One row: what was measured, its limit from the same run, and the ratio that the machine's mood cannot change. */

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";

export interface Row {
  readonly name: string;
  readonly unit: string;
  /** What is durable when an operation counts as done. */
  readonly durable: string;
  readonly limitName: string;
  /** One per round, interleaved: ours, then the limit. */
  readonly rounds: readonly Round[];
}

export interface Round {
  readonly value: number;
  readonly limit: number;
  /** CPU time of the measured process, all its threads, per operation, where it was measured: steadier than rates on a shared machine. */
  readonly cpuMicros?: { readonly value: number; readonly limit: number };
  /** Share of one core that the load generator used, the larger of both runs. */
  readonly generatorCores: number;
}

/** A generator that used more than this was itself the limit: the row is void. */
const generatorCoresMax = 0.9;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const [low, high] = [sorted[middle - 1] ?? 0, sorted[middle] ?? 0];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

export function ratioOf(row: Row): number {
  return median(row.rounds.map((round) => round.value / round.limit));
}

export function printRow(row: Row): void {
  const value = median(row.rounds.map((round) => round.value));
  const limit = median(row.rounds.map((round) => round.limit));
  const generator = Math.max(...row.rounds.map((round) => round.generatorCores));
  const ratios = row.rounds.map((round) => (round.value / round.limit).toFixed(2)).join(" ");
  const isVoid = generator > generatorCoresMax ? "  VOID: the load generator was the limit" : "";
  console.log(`${row.name}`);
  console.log(`  ${number(value)} ${row.unit}; limit ${number(limit)} (${row.limitName})`);
  console.log(`  ratio ${ratioOf(row).toFixed(2)} (rounds ${ratios}); durable: ${row.durable}`);
  const cpu = row.rounds.flatMap((round) => round.cpuMicros ?? []);
  if (cpu.length > 0) {
    const [ours, bare] = [median(cpu.map((c) => c.value)), median(cpu.map((c) => c.limit))];
    console.log(`  CPU ${ours.toFixed(2)} us each; limit ${bare.toFixed(2)} us`);
  }
  if (generator > 0) console.log(`  load generator ${generator.toFixed(2)} of a core${isVoid}`);
}

function number(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toFixed(1);
}

/** Where every run leaves its numbers for scripts. */
export function writeReport(rows: readonly Row[]): string {
  const folder = join(import.meta.dirname, "../results");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "latest.json");
  const machine = { cores: cpus().length, model: cpus()[0]?.model ?? "", node: process.version };
  const document = {
    at: new Date().toISOString(),
    machine,
    rows: rows.map((row) => ({ ...row, ratio: ratioOf(row) })),
  };
  writeFileSync(path, `${JSON.stringify(document, undefined, 2)}\n`);
  return path;
}
