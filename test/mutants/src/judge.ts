/** Runs a mutant's detector, in a process of its own in which the source is patched. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Verdict } from "./bug-matrix.ts";
import type { NamedMutant } from "./catalogue.ts";
import type { Detector } from "./mutant.ts";

const here = import.meta.dirname;
const checkout = join(here, "../../..");

interface Outcome {
  readonly code: number;
  readonly output: string;
}

export async function judge(mutant: NamedMutant): Promise<Verdict> {
  const startedMs = performance.now();
  const { code, output } = await run(mutant.detector, mutant.name);
  // Whoever counts on a limit of time finds out nothing.
  const caughtBy = code === 0 || output.endsWith(hangs) ? undefined : evidence(mutant, output);
  return { mutant, caughtBy, seconds: (performance.now() - startedMs) / 1000 };
}

/** A test that fails anyway catches nothing. */
export async function requireHealthyTests(mutants: readonly NamedMutant[]): Promise<void> {
  const all = mutants.flatMap(({ detector }) => (detector.kind === "tests" ? detector.files : []));
  const files = [...new Set(all)];
  if (files.length === 0) return;
  const { code, output } = await run({ kind: "tests", files }, undefined);
  if (code !== 0) throw new Error(`these tests fail without any mutant:\n${output}`);
}

/** What noticed the bug. Throws when the run broke in another way, such as by a patch that does not apply. */
function evidence({ name, detector }: NamedMutant, output: string): string {
  const lines = output.split("\n").map((line) => line.trim().replaceAll("\\#", "#"));
  const found =
    detector.kind !== "tests"
      ? lines.find((line) => /^seed \d+: /.test(line))
      : // A test file that does not load is reported by its name.
        lines
          .find((line) => /^not ok \d+ - /.test(line) && !line.endsWith(".ts"))
          ?.replace(/^not ok \d+ - /, "");
  if (found === undefined) throw new Error(`mutant ${name} could not be run:\n${output}`);
  return found.length <= evidenceLengthMax ? found : `${found.slice(0, evidenceLengthMax)} ...`;
}

const evidenceLengthMax = 160;
const secondsMax = 900;
const hangs = `it does not end within ${secondsMax} s`;

function scriptOf(detector: Detector): readonly string[] {
  switch (detector.kind) {
    case "group": {
      const { consensus, seedsMax, ticks } = detector;
      return [join(here, "run-group-seeds.ts"), consensus, String(seedsMax), String(ticks)];
    }
    case "cluster": {
      const { firstSeed, seedsMax, fault = "" } = detector;
      return [join(here, "run-cluster-seeds.ts"), String(firstSeed), String(seedsMax), fault];
    }
    case "tests":
      return ["--test", "--test-reporter=tap", ...detector.files];
  }
}

/** `name` undefined: the sources as they are. */
function run(detector: Detector, name: string | undefined): Promise<Outcome> {
  const script = scriptOf(detector);
  const hook = name === undefined ? [] : ["--import", join(here, "load-hook.ts")];
  const child = spawn(process.execPath, ["--conditions=holdfast-source", ...hook, ...script], {
    cwd: checkout,
    env: name === undefined ? process.env : { ...process.env, HOLDFAST_MUTANT: name },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // Each mutant is judged in bounded time: one whose detector does not come to its end is not caught.
  const timer = setTimeout(() => child.kill("SIGKILL"), secondsMax * 1000);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output = `${output}${text}`.slice(-200_000)));
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  child.on("close", (code, signal) => {
    clearTimeout(timer);
    resolve({ code: code ?? 1, output: signal === null ? output : `${output}\n${hangs}` });
  });
  return promise;
}
