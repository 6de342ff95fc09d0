import type { DiskErrorKind } from "@holdfast/ports";
import { DiskError } from "@holdfast/ports";

const kinds: Readonly<Record<string, DiskErrorKind>> = {
  ENOENT: "not-found",
  EEXIST: "exists",
  ENOTDIR: "not-found",
  ENOSPC: "no-space",
  EDQUOT: "no-space",
  EFBIG: "no-space",
  EMFILE: "too-many-files",
  ENFILE: "too-many-files",
};

/** What the operating system said, as the Disk port says it. */
export function diskError(error: unknown, path: string): DiskError {
  if (error instanceof DiskError) return error;
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  const kind = typeof code === "string" ? kinds[code] : undefined;
  return new DiskError(kind ?? "io", path, error instanceof Error ? error.message : String(error), error);
}
