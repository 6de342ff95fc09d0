/** Which sources run: results of one version say nothing about another. */

import { spawnSync } from "node:child_process";
import { crc32 } from "@holdfast/base";

export interface SourceVersion {
  /** For people. */
  readonly commit: string;
  /** Equal if and only if the packages' sources are. */
  readonly sources: string;
}

export function sourceVersion(): SourceVersion {
  const commit = git("rev-parse", "--short=10", "HEAD") || "unknown";
  const tree = git("rev-parse", "--short=16", "HEAD:packages") || "unknown";
  const changes = git("diff", "HEAD", "--", "packages");
  if (changes === "") return { commit, sources: tree };
  const mark = crc32(new TextEncoder().encode(changes)).toString(16).padStart(8, "0");
  return { commit: `${commit} with changes`, sources: `${tree}+${mark}` };
}

function git(...args: readonly string[]): string {
  const { status, stdout } = spawnSync("git", args, { encoding: "utf8", maxBuffer: 256 * 1024 * 1024 });
  return status === 0 ? stdout.trim() : "";
}
