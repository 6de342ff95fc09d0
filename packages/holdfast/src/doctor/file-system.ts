/** Which file systems may hold a data directory, told by the numbers that the system names them with. */

import { statfs } from "node:fs/promises";
import { sizeText } from "../command-line/format.ts";
import type { Finding } from "./finding.ts";
import { ok, problem, warning } from "./finding.ts";

interface KnownFileSystem {
  readonly name: string;
  readonly kind: "local" | "memory" | "network" | "layer";
}

/** Linux: statfs(2), `f_type`. */
const known: ReadonlyMap<number, KnownFileSystem> = new Map([
  [0xef53, { name: "ext4", kind: "local" }],
  [0x58465342, { name: "XFS", kind: "local" }],
  [0x9123683e, { name: "Btrfs", kind: "local" }],
  [0x2fc12fc1, { name: "ZFS", kind: "local" }],
  [0xf2f52010, { name: "F2FS", kind: "local" }],
  [0x01021994, { name: "tmpfs", kind: "memory" }],
  [0x858458f6, { name: "ramfs", kind: "memory" }],
  [0x6969, { name: "NFS", kind: "network" }],
  [0x517b, { name: "SMB", kind: "network" }],
  [0xff534d42, { name: "CIFS", kind: "network" }],
  [0xfe534d42, { name: "SMB2", kind: "network" }],
  [0x01021997, { name: "9p", kind: "network" }],
  [0x00c36400, { name: "CephFS", kind: "network" }],
  [0x65735546, { name: "FUSE", kind: "network" }],
  [0x794c7630, { name: "overlayfs", kind: "layer" }],
]);

export function fileSystemFinding(type: number, platform: string): Finding {
  if (platform !== "linux") return ok("file-system", "not looked at on this system");
  const found = known.get(type);
  if (found === undefined) return ok("file-system", `of type 0x${type.toString(16)}, unknown to doctor`);
  const { name, kind } = found;
  switch (kind) {
    case "local":
      return ok("file-system", name);
    case "memory":
      return problem("file-system", `${name}: in memory`, {
        why: "everything stored is gone with the next restart of the machine; nothing is durable",
        next: "put the data directory on a disk",
      });
    case "network":
      return warning("file-system", `${name}: over a network, or through another program`, {
        why: "its syncs may promise less than a disk's, and two machines may hold the directory at once",
        next: "put the data directory on a disk of this machine",
      });
    case "layer":
      return warning("file-system", `${name}: a container's own layer`, {
        why: "it goes with the container",
        next: "mount a volume at the data directory",
      });
  }
}

/** As the node reckons: 5 %, at least 1 GiB. */
function reserveOf(totalBytes: number): number {
  return Math.max(1024 ** 3, totalBytes / 20);
}

export async function spaceFindings(directory: string): Promise<readonly Finding[]> {
  const { type, bsize, blocks, bavail, files, ffree } = await statfs(directory);
  return [
    fileSystemFinding(type, process.platform),
    spaceFinding(bavail * bsize, blocks * bsize),
    ...(files === 0 ? [] : [inodesFinding(ffree, files)]),
  ];
}

export function spaceFinding(freeBytes: number, totalBytes: number): Finding {
  const reserveBytes = reserveOf(totalBytes);
  const what = `${sizeText(freeBytes)} free of ${sizeText(totalBytes)}, reserve ${sizeText(reserveBytes)}`;
  if (freeBytes > reserveBytes) return ok("space", what);
  return problem("space", what, {
    why: "below the reserve a node refuses new data",
    next: "free some space, or give the node a larger disk",
  });
}

/** Volumes and segments are few and large. */
const inodesMin = 1000;

function inodesFinding(free: number, total: number): Finding {
  const what = `${free} of ${total} inodes free`;
  if (free >= inodesMin) return ok("inodes", what);
  return problem("inodes", what, {
    why: "without a free inode no segment of the log and no volume can be created",
    next: "remove small files from this file system",
  });
}
