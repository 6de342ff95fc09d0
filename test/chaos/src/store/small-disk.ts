/** A disk of its own for one node, small enough to be filled: a tmpfs. Needs root. */

import { execFile } from "node:child_process";
import { cp, open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { KiB, MiB } from "@holdfast/base";

const run = promisify(execFile);
const diskBytes = 768 * MiB;
const filler = "filler";

export class SmallDisk {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static get isPossible(): boolean {
    return process.getuid?.() === 0;
  }

  static async mount(folder: string): Promise<SmallDisk> {
    await run("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "tmpfs", folder]);
    return new SmallDisk(folder);
  }

  /** To the last byte. */
  async fill(): Promise<void> {
    const path = join(this.#folder, filler);
    const { bavail, bsize } = await statfs(this.#folder);
    // Most of it at once; what others took or gave up meanwhile, by writing.
    await run("fallocate", ["-l", String(bavail * bsize), path]).catch(() => undefined);
    const file = await open(path, "a");
    const piece = new Uint8Array(64 * KiB);
    try {
      while ((await file.write(piece)).bytesWritten === piece.length);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    } finally {
      await file.close();
    }
  }

  async empty(): Promise<void> {
    await rm(join(this.#folder, filler), { force: true });
  }

  /** Copies what is on it to another folder: unmounted, all of it is gone. */
  async keep(folder: string): Promise<void> {
    await cp(this.#folder, folder, { recursive: true });
  }

  async unmount(): Promise<void> {
    await run("umount", ["--lazy", this.#folder]);
  }
}
