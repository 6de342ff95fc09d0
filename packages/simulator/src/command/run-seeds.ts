/** Seed after seed: to the first failure, or, with a progress file, through all of them and again where it stopped. */

import { writeFileSync } from "node:fs";
import type { SeedResult } from "../run/run-seed.ts";
import { runSeed } from "../run/run-seed.ts";
import type { Tally } from "../run/tally.ts";
import { addTallies } from "../run/tally.ts";
import type { SeedsCommand } from "./options.ts";
import type { SliceResult } from "./progress-file.ts";
import { appendProgress, latestSources, readProgress, sliceSeeds } from "./progress-file.ts";
import { sourceVersion } from "./source-version.ts";
import { summaryOf } from "./summary.ts";
import { clearLine, drain, say, sayWhere } from "./terminal.ts";

/** The exit code. */
export async function runSeeds(command: SeedsCommand): Promise<number> {
  if (command.consensus !== "single") say("A single node has no consensus yet: --consensus changes nothing.");
  const code = command.resume ? await runSlices(command) : await runToFailure(command);
  if (command.summaryPath !== undefined) {
    const { progressPath, consensus, summaryPath } = command;
    // Of the sources that ran last: the document itself may have been committed since.
    const sources = latestSources(progressPath, consensus);
    writeFileSync(summaryPath, summaryOf(readProgress(progressPath, sources, consensus)));
    say(`summary written to ${command.summaryPath}`);
  }
  return code;
}

async function runToFailure(command: SeedsCommand): Promise<number> {
  const { firstSeed, seedsCount, verifyDeterminism } = command;
  const startedMs = performance.now();
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  let [eventsCount, virtualMs] = [0, 0];
  for (let seed = firstSeed; seed < firstSeed + seedsCount; seed++) {
    const result = await runOnce(seed, command);
    eventsCount += result.eventsCount;
    virtualMs += result.virtualMs;
    if (result.failure !== undefined) return fail(result);
    sayWhere(`seed ${seed} passed, ${((seed - firstSeed + 1) / seconds()).toFixed(1)} seeds/s`);
  }
  clearLine();
  say(
    `${seedsCount} seeds passed (${firstSeed} to ${firstSeed + seedsCount - 1})${verifyDeterminism ? ", each twice alike" : ""}: ` +
      `${eventsCount} events, ${(virtualMs / 1000).toFixed(0)} s of virtual time, ${seconds().toFixed(1)} s, ` +
      `${(seedsCount / seconds()).toFixed(1)} seeds/s`,
  );
  return 0;
}

/** Runs a seed; with `verifyDeterminism` twice, and two runs that differ are its failure. */
async function runOnce(seed: number, { verifyDeterminism, tailLinesMax }: SeedsCommand): Promise<SeedResult> {
  const result = await runSeed({ seed, drain, tailLinesMax });
  if (!verifyDeterminism || result.failure !== undefined) return result;
  const again = await runSeed({ seed, drain, tailLinesMax });
  if (again.traceHash === result.traceHash) return result;
  const message = `two runs differ: ${result.traceHash} and ${again.traceHash}`;
  return { ...result, failure: { message, tail: again.failure?.tail ?? [] } };
}

async function runSlices(command: SeedsCommand): Promise<number> {
  const { firstSeed, seedsCount, progressPath, consensus, share } = command;
  const version = sourceVersion();
  const done = new Set<number>();
  const earlier = readProgress(progressPath, version.sources, consensus);
  for (const slice of earlier) for (let i = 0; i < slice.seedsCount; i++) done.add(slice.firstSeed + i);
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
    const result = { ...version, consensus, ...(await runSlice(from, count, command)) };
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
  command: SeedsCommand,
): Promise<Omit<SliceResult, "commit" | "sources" | "consensus">> {
  const failures: { seed: number; message: string }[] = [];
  let [events, virtualMs, happened]: [number, number, Tally] = [0, 0, {}];
  const startedUs = process.cpuUsage().user;
  for (let seed = firstSeed; seed < firstSeed + seedsCount; seed++) {
    const result = await runOnce(seed, command);
    events += result.eventsCount;
    virtualMs += result.virtualMs;
    happened = addTallies(happened, result.happened);
    if (result.failure === undefined) continue;
    fail(result);
    failures.push({ seed, message: result.failure.message });
  }
  const cpuMs = (process.cpuUsage().user - startedUs) / 1000;
  return { firstSeed, seedsCount, events, virtualMs, cpuMs, happened, failures };
}

function fail({ seed, failure }: SeedResult): number {
  clearLine();
  for (const line of failure?.tail ?? []) say(line);
  say("");
  say(`seed ${seed} FAILED: ${failure?.message ?? ""}`);
  say(`replay: npm run sim -- --seed ${seed}`);
  return 1;
}
