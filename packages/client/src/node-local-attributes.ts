/** Mode and time of an open file, and what makes names durable. */

import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import type { LocalAttributes } from "./platform.ts";

export function defaultMode(): number {
  return 0o666 & ~process.umask();
}

export async function setAttributes(handle: FileHandle, attributes: LocalAttributes): Promise<void> {
  const { mode, modifiedAtSeconds } = attributes;
  // What the umask took away at the opening.
  if (mode !== undefined && ((await handle.stat()).mode & 0o777) !== mode) await handle.chmod(mode);
  if (modifiedAtSeconds !== undefined) await handle.utimes(modifiedAtSeconds, modifiedAtSeconds);
}

/** A rename is on stable storage when its folder is. */
export async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders; its renames are journalled.
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
