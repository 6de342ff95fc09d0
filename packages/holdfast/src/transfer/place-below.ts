/** Where a file lies below a folder or a prefix. */

import { folderPrefix } from "../command-line/location.ts";
import { localTarget } from "./local-target.ts";
import type { FileLocation } from "./plan.ts";

/** Failure UnsafeKey for keys that would leave a local folder. */
export function placeBelow(side: FileLocation, relative: string): FileLocation {
  if (side.kind === "remote") return { ...side, key: folderPrefix(side.key) + relative };
  return { kind: "local", path: localTarget(side.path, relative) };
}
