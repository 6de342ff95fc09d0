/** Names of files that are not finished, beside the ones they will become. */

import { createHash, randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";

/** Of nobody else; it tells what it is to whoever finds it. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.holdfast-${randomBytes(6).toString("hex")}.part`);
}

/** The same for the same path, so that a later run finds it: `.NAME.holdfast-partial`. */
export function partialName(path: string): string {
  const name = basename(path);
  // File systems end names at 255 bytes.
  const shown = Buffer.byteLength(name) <= 200 ? name : createHash("sha256").update(name).digest("hex");
  return join(dirname(path), `.${shown}.holdfast-partial`);
}
