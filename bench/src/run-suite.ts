import { execFileSync } from "node:child_process";
import { cpus, loadavg } from "node:os";
import type { SuiteRun } from "./page.ts";
import type { Suite, SuiteOptions } from "./suites/suite.ts";

/** Runs the suite, and writes down where and when. */
export async function runSuite(suite: Suite, options: SuiteOptions): Promise<SuiteRun> {
  const before = loadOfOneMinute();
  const rows = await suite(options);
  const all = cpus();
  return {
    at: new Date().toISOString(),
    commit: commit(),
    machine: `${all.length} cores, ${all[0]?.model ?? "unknown"}`,
    node: process.version,
    load: [before, loadOfOneMinute()],
    rows,
  };
}

function loadOfOneMinute(): number {
  return loadavg()[0] ?? 0;
}

function commit(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
  const changed = git("status", "--porcelain", "--", "../../packages", ".") !== "";
  return git("rev-parse", "--short", "HEAD") + (changed ? " with changes" : "");
}
