/** Whether a path names something below the data directory: parts between "/", none empty, ".", ".." or with a NUL. */
export function isDiskPath(path: string): boolean {
  return path
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== ".." && !part.includes("\0"));
}

/** The folder a path lies in; "" is the data directory itself. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
