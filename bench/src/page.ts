/** The benchmark page: one table for each suite. Suites that did not run this time keep the rows of their last run. */

import type { Row } from "./report.ts";
import {
  generatorCoresMax,
  generatorOf,
  limitOf,
  numberText,
  ratioOf,
  roundsText,
  targetText,
  valueOf,
  verdict,
} from "./report.ts";

/** One run of one suite. */
export interface SuiteRun {
  readonly at: string;
  readonly commit: string;
  readonly machine: string;
  readonly node: string;
  /** Load average of one minute before and after: the machine may have had other work. */
  readonly load: readonly [before: number, after: number];
  readonly rows: readonly Row[];
}

export type Runs = Readonly<Record<string, SuiteRun>>;

const head = `# Benchmarks

Written by \`npm run bench [-- NAME ...]\`. Each row measures its limit in the same run, round by round, one behind the other; value,
limit and ratio are medians. On a shared machine the ratios mean more than the rates, and a load average above the number
of cores means that both had to wait for others. The load generator is a process of its own with requests signed
before its clock starts; a row is void when it used more than ${generatorCoresMax} of a core. Memory is RssAnon.

`;

export function renderPage(runs: Runs): string {
  return (
    head +
    Object.entries(runs)
      .map(([name, run]) => renderSuite(name, run))
      .join("\n")
  );
}

function renderSuite(name: string, { at, commit, machine, node, load, rows }: SuiteRun): string {
  const [before, after] = load;
  const when = `${at.slice(0, 16).replace("T", " ")} UTC, commit ${commit}, Node ${node}, ${machine}, load average ${before.toFixed(1)} before and ${after.toFixed(1)} after`;
  const table = [
    "| what | value | limit | ratio (rounds) | target | met | durable | load generator |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ...rows.map(renderRow),
  ];
  const notes = rows
    .filter(({ notes: said = [] }) => said.length > 0)
    .map(({ name: row, notes: said = [] }) => `- ${row}: ${said.join("; ")}.`);
  return `## ${name}\n\n${when}.\n\n${table.join("\n")}\n${notes.length > 0 ? `\n${notes.join("\n")}\n` : ""}`;
}

function renderRow(row: Row): string {
  const generator = generatorOf(row);
  const cells = [
    row.name,
    `${numberText(valueOf(row))} ${row.unit}`,
    `${numberText(limitOf(row))} (${row.limitName})`,
    `${ratioOf(row).toFixed(2)} (${roundsText(row)})`,
    targetText(row),
    verdict(row),
    row.durable,
    generator > 0 ? `${generator.toFixed(2)} of a core` : "-",
  ];
  return `| ${cells.join(" | ")} |`;
}
