/** `npm run sim -- [--consensus raft|multipaxos] [--seed N] [--seeds COUNT] [--verify-determinism] [--trace LINES]` */

import { parseArgs } from "node:util";
import type { SeedResult } from "./run/run-seed.ts";
import { runSeed } from "./run/run-seed.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

interface Options {
  readonly firstSeed: number;
  readonly seedsCount: number;
  readonly verifyDeterminism: boolean;
  readonly tailLinesMax: number;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      consensus: { type: "string" },
      seed: { type: "string", default: "1" },
      seeds: { type: "string" },
      trace: { type: "string", default: "60" },
      "verify-determinism": { type: "boolean", default: false },
    },
  });
  if (values.consensus !== undefined) {
    if (!["raft", "multipaxos"].includes(values.consensus))
      throw new RangeError(`--consensus is raft or multipaxos, not ${values.consensus}`);
    say("A single node has no consensus yet: --consensus changes nothing.");
  }
  // A seed alone is there to be replayed.
  const seeds =
    values.seeds ?? (process.argv.some((argument) => argument.startsWith("--seed")) ? "1" : "100");
  return {
    firstSeed: count("--seed", values.seed),
    seedsCount: count("--seeds", seeds),
    verifyDeterminism: values["verify-determinism"],
    tailLinesMax: count("--trace", values.trace),
  };
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name} is a whole number, not ${text}`);
  return value;
}

async function simulate({
  firstSeed,
  seedsCount,
  verifyDeterminism,
  tailLinesMax,
}: Options): Promise<number> {
  const startedMs = performance.now();
  let [eventsCount, virtualMs] = [0, 0];
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  for (let seed = firstSeed; seed < firstSeed + seedsCount; seed++) {
    const result = await runSeed({ seed, drain, tailLinesMax });
    eventsCount += result.eventsCount;
    virtualMs += result.virtualMs;
    if (result.failure !== undefined) return fail(result);
    if (verifyDeterminism) {
      const again = await runSeed({ seed, drain });
      if (again.traceHash !== result.traceHash) {
        say(`seed ${seed}: two runs differ: ${result.traceHash} and ${again.traceHash}`);
        return 1;
      }
    }
    const done = seed - firstSeed + 1;
    if (process.stdout.isTTY)
      process.stdout.write(`\rseed ${seed} passed, ${(done / seconds()).toFixed(1)} seeds/s `);
  }
  const rate = (seedsCount / seconds()).toFixed(1);
  if (process.stdout.isTTY) process.stdout.write("\r\u001b[K");
  say(
    `${seedsCount} seeds passed (${firstSeed} to ${firstSeed + seedsCount - 1})${verifyDeterminism ? ", each twice alike" : ""}: ` +
      `${eventsCount} events, ${(virtualMs / 1000).toFixed(0)} s of virtual time, ${seconds().toFixed(1)} s, ${rate} seeds/s`,
  );
  return 0;
}

function fail({ seed, failure }: SeedResult): number {
  if (process.stdout.isTTY) process.stdout.write("\r\u001b[K");
  for (const line of failure?.tail ?? []) say(line);
  say("");
  say(`seed ${seed} FAILED: ${failure?.message ?? ""}`);
  say(`replay: npm run sim -- --seed ${seed}`);
  return 1;
}

try {
  process.exitCode = await simulate(readOptions());
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 2;
}
