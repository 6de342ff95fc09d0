/** The data directory as a folder that can be written, made if it is missing; what is wrong with it otherwise, and what to do. */

import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { Failure, messageOf, systemErrorCode } from "../command-line/failure.ts";

interface Obstacle {
  readonly what: string;
  readonly next: string;
}

const file: Obstacle = { what: "it, or a part of its path, is a file", next: "name another directory" };
const forbidden: Obstacle = {
  what: "this user may not write there",
  next: "give the directory to the user that runs Holdfast (chown), or name another one",
};
const obstacles: Readonly<Record<string, Obstacle>> = {
  EEXIST: file,
  ENOTDIR: file,
  EACCES: forbidden,
  EPERM: forbidden,
  EROFS: {
    what: "its file system is mounted read-only",
    next: "mount it for writing, or name another directory",
  },
  ENOSPC: { what: "its disk is full", next: "free some space on that disk" },
  ELOOP: { what: "its path is a loop of symbolic links", next: "check the path" },
};

export async function prepareDataDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const obstacle = obstacles[systemErrorCode(error) ?? ""] ?? {
      what: messageOf(error),
      next: "check the path",
    };
    const message = `the data directory ${path} cannot be used: ${obstacle.what}`;
    throw new Failure(message, { code: "DataDirectoryUnusable", next: obstacle.next, cause: error });
  }
}
