/** Seed after seed: to the first failure, or, with a progress file, through all of them and again where it stopped. */

import { writeFileSync } from "node:fs";
import type { SeedResult } from "../run/run-seed.ts";
import type { Tally } from "../run/tally.ts";
import { addTallies } from "../run/tally.ts";
import type { SeedsCommand } from "./options.ts";
import type { SliceResult } from "./progress-file.ts";
import { appendProgress, latestSources, readProgress, sliceSeeds } from "./progress-file.ts";
import type { SeedRunner } from "./seed-runner.ts";
import { seedRunner } from "./seed-runner.ts";
import { sourceVersion } from "./source-version.ts";
import { summaryOf } from "./summary.ts";
import { clearLine, say, sayWhere } from "./terminal.ts";

/** The exit code. */
export async function runSeeds(command: SeedsCommand): Promise<number> {
  const runner = seedRunner(command);
  const code = command.resume ? await runSlices(command, runner) : await runToFailure(command, runner);
  if (command.summaryPath !== undefined) {
    const { progressPath, summaryPath } = command;
    // Of the sources that ran last: the document itself may have been committed since.
    const sources = latestSources(progressPath, runner.name);
    writeFileSync(summaryPath, summaryOf(readProgress(progressPath, sources, runner.name)));
    say(`summary written to ${command.summaryPath}`);
  }
  return code;
}

async function runToFailure(command: SeedsCommand, runner: SeedRunner): Promise<number> {
  const { firstSeed, seedsCount, verifyDeterminism, share } = command;
  const startedMs = performance.now();
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  let [passedCount, eventsCount, virtualMs] = [0, 0, 0];
  for (let number = share.index; number < seedsCount; number += share.of) {
    const seed = firstSeed + number;
    const result = await runOnce(seed, verifyDeterminism, runner);
    eventsCount += result.eventsCount;
    virtualMs += result.virtualMs;
    if (result.failure !== undefined) return fail(result, runner);
    passedCount++;
    sayWhere(`seed ${seed} passed, ${(passedCount / seconds()).toFixed(1)} seeds/s`);
  }
  clearLine();
  say(
    `${passedCount} seeds passed (${runner.name}; ${rangeOf(command)})${verifyDeterminism ? ", each twice alike" : ""}: ` +
      `${eventsCount} events, ${(virtualMs / 1000).toFixed(0)} s of virtual time, ${seconds().toFixed(1)} s, ` +
      `${(passedCount / seconds()).toFixed(1)} seeds/s`,
  );
  return 0;
}

function rangeOf({ firstSeed, seedsCount, share }: SeedsCommand): string {
  const range = `${firstSeed} to ${firstSeed + seedsCount - 1}`;
  return share.of === 1 ? range : `${range}, share ${share.index + 1} of ${share.of}`;
}

/** Runs a seed; with `verifyDeterminism` twice, and two runs that differ are its failure. */
async function runOnce(seed: number, verifyDeterminism: boolean, runner: SeedRunner): Promise<SeedResult> {
  const result = await runner.run(seed);
  if (!verifyDeterminism || result.failure !== undefined) return result;
  const again = await runner.run(seed);
  if (again.traceHash === result.traceHash) return result;
  const message = `two runs differ: ${result.traceHash} and ${again.traceHash}`;
  return { ...result, failure: { message, tail: again.failure?.tail ?? [] } };
}

async function runSlices(command: SeedsCommand, runner: SeedRunner): Promise<number> {
  const { firstSeed, seedsCount, progressPath, share } = command;
  const { name: consensus } = runner;
  const version = sourceVersion();
  const earlier = readProgress(progressPath, version.sources, consensus);
  const end = firstSeed + seedsCount;
  let failuresCount = earlier.reduce((sum, { failures }) => sum + failures.length, 0);
  say(
    `commit ${version.commit}: ${seedsIn(earlier).size} seeds done before, ${failuresCount} of them failed`,
  );
  for (let from = firstSeed, number = 0; from < end; from += sliceSeeds, number++) {
    const count = Math.min(sliceSeeds, end - from);
    if (number % share.of !== share.index) continue;
    // Read anew: another process may have been here meanwhile.
    const done = seedsIn(readProgress(progressPath, version.sources, consensus));
    if (Array.from({ length: count }, (_, i) => from + i).every((seed) => done.has(seed))) continue;
    const result = { ...version, consensus, ...(await runSlice(from, count, command, runner)) };
    appendProgress(progressPath, result);
    failuresCount += result.failures.length;
    sayWhere(`seeds up to ${from + count - 1} done, ${failuresCount} failed`);
  }
  clearLine();
  say(
    `seeds ${firstSeed} to ${end - 1} done (share ${share.index + 1} of ${share.of}), ${failuresCount} failed`,
  );
  return failuresCount === 0 ? 0 : 1;
}

function seedsIn(slices: readonly SliceResult[]): ReadonlySet<number> {
  const seeds = slices.flatMap(({ firstSeed, seedsCount }) =>
    Array.from({ length: seedsCount }, (_, i) => firstSeed + i),
  );
  return new Set(seeds);
}

async function runSlice(
  firstSeed: number,
  seedsCount: number,
  { verifyDeterminism }: SeedsCommand,
  runner: SeedRunner,
): Promise<Omit<SliceResult, "commit" | "sources" | "consensus">> {
  const failures: { seed: number; message: string }[] = [];
  let [events, virtualMs, happened]: [number, number, Tally] = [0, 0, {}];
  const startedUs = process.cpuUsage().user;
  for (let seed = firstSeed; seed < firstSeed + seedsCount; seed++) {
    const result = await runOnce(seed, verifyDeterminism, runner);
    events += result.eventsCount;
    virtualMs += result.virtualMs;
    happened = addTallies(happened, result.happened);
    if (result.failure === undefined) continue;
    fail(result, runner);
    failures.push({ seed, message: result.failure.message });
  }
  const cpuMs = (process.cpuUsage().user - startedUs) / 1000;
  return { firstSeed, seedsCount, events, virtualMs, cpuMs, happened, failures };
}

function fail({ seed, failure }: SeedResult, runner: SeedRunner): number {
  clearLine();
  for (const line of failure?.tail ?? []) say(line);
  say("");
  say(`seed ${seed} FAILED (commit ${sourceVersion().commit}): ${failure?.message ?? ""}`);
  say(`replay: ${runner.replayCommand(seed)}`);
  return 1;
}
