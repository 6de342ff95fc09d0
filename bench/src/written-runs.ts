/** docs/benchmarks.json, the last run of every suite, and docs/benchmarks.md, which is made from it. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Runs, SuiteRun } from "./page.ts";
import { renderPage } from "./page.ts";

const documents = join(import.meta.dirname, "../../docs");
const jsonPath = join(documents, "benchmarks.json");
const pagePath = join(documents, "benchmarks.md");

/** Puts the run in the place of the suite's earlier one; the others stay. The path of the page. */
export function keepRun(name: string, run: SuiteRun): string {
  const earlier = existsSync(jsonPath) ? (JSON.parse(readFileSync(jsonPath, "utf8")) as Runs) : {};
  const runs: Runs = { ...earlier, [name]: run };
  writeFileSync(jsonPath, `${JSON.stringify(runs, undefined, 2)}\n`);
  writeFileSync(pagePath, renderPage(runs));
  return pagePath;
}
