/** Where a downloaded file may lie: below the target folder, whatever its key says. */

import { join } from "node:path";
import { Failure } from "../command-line/failure.ts";

/**
 * The path for a key below `folder`. Refused are keys that would leave it ("..", absolute), that the file system cannot
 * hold, and that another key would overwrite ("a//b" and "a/./b" are "a/b" to it).
 */
export function localTarget(folder: string, relative: string): string {
  const problem = problemOf(relative);
  if (problem === undefined) return join(folder, ...relative.split("/"));
  throw new Failure(`the key ${JSON.stringify(relative)} ${problem}`, {
    code: "UnsafeKey",
    next: "copy this file by its own name: holdfast cp hf://BUCKET/KEY LOCALNAME",
  });
}

function problemOf(relative: string): string | undefined {
  if (relative.includes("\0")) return "holds a zero character, which no local name can";
  if (relative.startsWith("/")) return "is absolute and would leave the target folder";
  if (process.platform === "win32" && /[\\:]/.test(relative))
    return "holds characters that are separators here";
  const segments = relative.split("/");
  if (segments.includes("..")) return 'has ".." in it and would leave the target folder';
  if (segments.includes(".") || segments.includes(""))
    return "has an empty segment, which local paths cannot tell apart";
  return undefined;
}
