/** What the process that serves knows of itself, for `holdfast status` and `doctor`. */

import { readFileSync } from "node:fs";
import type { ServerFacts } from "@holdfast/gateway-http";
import { packageVersion } from "../command-line/version.ts";
import { threadPoolSize } from "./thread-pool.ts";

export function serverFacts(): ServerFacts {
  return {
    version: packageVersion(),
    nodeVersion: process.versions.node,
    threadPoolSize: threadPoolSize(process.env),
    openFilesMax: openFilesMax(),
  };
}

/** The soft limit of this process; undefined where the system does not tell. */
export function openFilesMax(): number | undefined {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const found = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}
