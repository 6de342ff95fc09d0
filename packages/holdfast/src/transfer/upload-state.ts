/**
 * What it takes to continue an upload that was interrupted: one small file per source and target, in the user's state folder
 * (XDG Base Directory: `$XDG_STATE_HOME/holdfast/uploads`). It names the open upload and the local file as it was; whether the parts
 * are the right ones is for their checksums to say. Lost or damaged, an upload begins anew.
 *
 * Two commands that copy the same file to the same place at once share the upload: they send the same parts, and the second to complete
 * it is given the answer of the first.
 */

import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import type { OpenUpload, Store } from "@holdfast/client";
import { z } from "zod";
import type { RemoteLocation } from "../command-line/location.ts";
import { fileName } from "../command-line/location.ts";
import type { Environment } from "../command-line/settings.ts";

/** Uploads that nobody continued for so long are given up. */
const staleAfterMs = 7 * 24 * 60 * 60 * 1000;

const stateSchema = z.object({
  formatVersion: z.literal(1),
  endpoint: z.string(),
  source: z.string(),
  /** `bucket/key`. */
  target: z.string(),
  /** Identity of the local file when the upload began. */
  file: z.string(),
  uploadId: z.string(),
  partBytes: z.number().int().positive(),
  begunAtMs: z.number(),
});

type UploadState = z.infer<typeof stateSchema>;

export interface UploadPlace {
  readonly endpoint: string;
  readonly path: string;
  readonly to: RemoteLocation;
  readonly stats: BigIntStats;
}

export interface StaleUpload {
  readonly source: string;
  readonly target: string;
}

export class UploadStates {
  readonly #folder: string;
  #sweep: Promise<void> | undefined;

  constructor(environment: Environment) {
    const { XDG_STATE_HOME: home = "" } = environment;
    // A path that is not absolute is to be ignored, says the specification.
    const base = isAbsolute(home) ? home : join(homedir(), ".local", "state");
    this.#folder = join(base, "holdfast", "uploads");
  }

  /** What an earlier run left open; whether the file is still what that run began with. */
  async find(place: UploadPlace): Promise<(OpenUpload & { readonly isSameFile: boolean }) | undefined> {
    const state = await readState(this.#pathOf(place));
    if (state?.endpoint !== place.endpoint) return undefined;
    const { uploadId, partBytes, file } = state;
    return { uploadId, partBytes, isSameFile: file === fileText(place.stats) };
  }

  async keep(place: UploadPlace, upload: OpenUpload): Promise<void> {
    const path = this.#pathOf(place);
    const state: UploadState = {
      formatVersion: 1,
      endpoint: place.endpoint,
      source: resolve(place.path),
      target: fileName(place.to),
      file: fileText(place.stats),
      ...upload,
      begunAtMs: Date.now(),
    };
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    // By rename: a run that is killed here leaves the old state or the new one.
    await writeFile(`${path}.${process.pid}`, `${JSON.stringify(state)}\n`, { mode: 0o600 });
    await rename(`${path}.${process.pid}`, path);
  }

  async drop(place: UploadPlace): Promise<void> {
    await rm(this.#pathOf(place), { force: true });
  }

  /** Gives up uploads to this endpoint that were begun long ago, once per run, and tells of each. */
  dropStale(store: Store, endpoint: string, onDropped: (state: StaleUpload) => void): Promise<void> {
    this.#sweep ??= this.#dropStale(store, endpoint, onDropped);
    return this.#sweep;
  }

  async #dropStale(store: Store, endpoint: string, onDropped: (state: StaleUpload) => void): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const path = join(this.#folder, name);
      const state = await readState(path);
      if (state === undefined || state.endpoint !== endpoint) continue;
      if (Date.now() - state.begunAtMs < staleAfterMs) continue;
      await store.abortUpload(state.target, state.uploadId);
      await rm(path, { force: true });
      onDropped({ source: state.source, target: `hf://${state.target}` });
    }
  }

  #pathOf({ endpoint, path, to }: UploadPlace): string {
    const text = JSON.stringify([endpoint, resolve(path), fileName(to)]);
    return join(this.#folder, `${createHash("sha256").update(text).digest("hex").slice(0, 40)}.json`);
  }
}

async function readState(path: string): Promise<UploadState | undefined> {
  try {
    return stateSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    // None, or none that this version can use.
    return undefined;
  }
}

/** Mode and time go into the upload's attributes when it begins. */
function fileText({ dev, ino, size, mtimeNs, mode }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, mode].join(":");
}
