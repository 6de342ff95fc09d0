/**
 * `npm run sim:mutants [-- NAME ...]`: puts the known bugs back one by one and looks whether they are caught. The last
 * line is `caught C of T`; the exit code is 0 only if C = T.
 */

import { spawn } from "node:child_process";
import { join } from "node:path";
import type { NamedMutant } from "./catalogue.ts";
import { catalogue, findMutant } from "./catalogue.ts";

const here = import.meta.dirname;
const checkout = join(here, "../../..");
const parallel = 2;

interface Verdict {
  readonly mutant: NamedMutant;
  readonly caughtBy: string | undefined;
  readonly seconds: number;
}

const names = process.argv.slice(2);
const chosen = names.length === 0 ? catalogue : names.map(findMutant);
const verdicts = await judgeAll(chosen);
const caught = verdicts.filter(({ caughtBy }) => caughtBy !== undefined).length;
console.log(`caught ${caught} of ${verdicts.length}`);
process.exitCode = caught === verdicts.length ? 0 : 1;

async function judgeAll(mutants: readonly NamedMutant[]): Promise<readonly Verdict[]> {
  const waiting = [...mutants];
  const found: Verdict[] = [];
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await judge(mutant);
      const outcome = verdict.caughtBy ?? "NOT CAUGHT";
      console.log(
        `${mutant.name.padEnd(5)} ${mutant.bug}\n      ${outcome} (${verdict.seconds.toFixed(1)} s)`,
      );
      found.push(verdict);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return found;
}

async function judge(mutant: NamedMutant): Promise<Verdict> {
  const startedMs = performance.now();
  const { code, output } = await run(mutant);
  if (output.includes("not once")) throw new Error(output);
  const lines = output.trim().split("\n");
  const caughtBy = code === 0 ? undefined : evidence(mutant, lines);
  return { mutant, caughtBy, seconds: (performance.now() - startedMs) / 1000 };
}

function evidence({ detector }: NamedMutant, lines: readonly string[]): string {
  if (detector.kind === "group") return lines.at(-1) ?? "";
  return lines.find((line) => line.startsWith("not ok") || line.includes("✖"))?.trim() ?? "a test failed";
}

function run(mutant: NamedMutant): Promise<{ readonly code: number; readonly output: string }> {
  const { detector } = mutant;
  const script =
    detector.kind === "group"
      ? [join(here, "run-group-seeds.ts"), String(detector.seedsMax), String(detector.ticks)]
      : ["--test", "--test-reporter=tap", ...detector.files];
  const hooked = ["--conditions=holdfast-source", "--import", join(here, "load-hook.ts"), ...script];
  const child = spawn(process.execPath, hooked, {
    cwd: checkout,
    env: { ...process.env, HOLDFAST_MUTANT: mutant.name },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output = `${output}${text}`.slice(-20_000)));
  const { promise, resolve } = Promise.withResolvers<{ code: number; output: string }>();
  child.on("close", (code) => resolve({ code: code ?? 1, output }));
  return promise;
}
