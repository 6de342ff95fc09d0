import { existsSync, readFileSync } from "node:fs";

/** Of the runs in this file: of registers, whose lines say nothing of what they are, or of files. */
export function doneSeeds(file: string, chaos: "registers" | "files"): Set<number> {
  if (!existsSync(file)) return new Set();
  const lines = readFileSync(file, "utf8").split("\n");
  const runs = lines.filter((line) => line !== "").map((line): Line => JSON.parse(line));
  return new Set(runs.filter((run) => (run.chaos ?? "registers") === chaos).map(({ seed }) => seed));
}

interface Line {
  readonly seed: number;
  readonly chaos?: string;
}
