/**
 * `npm run history -- FILE ...`: judges recorded histories (format: packages/linearizability/src/operation.ts). Exit code
 * 0: all linearizable; 1: one is not; 2: wrong usage, unreadable, or undecided.
 */

import { readFileSync } from "node:fs";
import { checkHistory, describeProblem, parseHistory } from "@holdfast/linearizability";

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: npm run history -- FILE ...\nEach FILE has one operation a line, as JSON.");
  process.exitCode = 2;
}
for (const file of files) judge(file);

function judge(file: string): void {
  try {
    const { operations, keys, problems } = checkHistory(parseHistory(readFileSync(file, "utf8")));
    const wrong = problems.some(({ verdict }) => verdict.kind === "not-linearizable");
    const verdict = wrong ? "NOT linearizable" : problems.length > 0 ? "undecided" : "linearizable";
    console.log(`${file}: ${verdict} (${operations} operations on ${keys} keys)`);
    for (const problem of problems) for (const line of describeProblem(problem)) console.log(line);
    raise(wrong ? 1 : problems.length > 0 ? 2 : 0);
  } catch (error) {
    console.error(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    raise(2);
  }
}

/** A contradiction outweighs what could not be read. */
function raise(code: number): void {
  const current = Number(process.exitCode ?? 0);
  if (current !== 1 && code !== 0) process.exitCode = code;
}
