/** What Holdfast is measured against from npm: installed in bench/peers, outside the workspaces, when a benchmark first needs it. */

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const folder = join(import.meta.dirname, "../../peers");

/** `require` as a program in that folder has it. */
export function requireOfPeers(name: string): NodeJS.Require {
  if (!existsSync(join(folder, "node_modules", name)))
    // Without scripts: the native database that one brings along is not built, nor is it used here.
    execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder });
  return createRequire(join(folder, "package.json"));
}
