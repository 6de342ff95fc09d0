/**
 * A download in pieces, beside its target: the bytes as `.NAME.holdfast-partial`, and `.NAME.holdfast-partial.json`, whose first line
 * says which content they belong to and whose further lines name the pieces that were written, with their CRC-32.
 *
 * The lines are written behind the bytes but not synced, so after a loss of power they may tell of bytes that are not there: whoever
 * resumes compares each piece with its CRC-32. The target appears by rename, after the bytes were synced; the folder is
 * synced behind that. Killed before the rename, there is the old target and what can be resumed; killed behind it, the new
 * target and a description of nothing, which the next run removes.
 */

import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { StoreError } from "@holdfast/base";
import { crc32Text } from "./crc32-text.ts";
import { defaultMode, setAttributes, syncFolder } from "./node-local-attributes.ts";
import { lockPath } from "./node-path-lock.ts";
import { partialName } from "./node-temporary-name.ts";
import type { LocalAttributes, PartialContent, PartialFile } from "./platform.ts";

const readBytes = 256 * 1024;
const formatVersion = 1;

export async function openPartialFile(
  path: string,
  content: PartialContent,
  resume: boolean,
): Promise<PartialFile> {
  await mkdir(dirname(path), { recursive: true });
  const unlock = await lockPath(path);
  if (unlock === undefined) {
    throw new StoreError("InvalidRequest", `Another process is writing ${path}: wait for its end.`, {
      fields: { path },
    });
  }
  try {
    return await openHeld(path, content, resume, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function openHeld(
  path: string,
  content: PartialContent,
  resume: boolean,
  unlock: () => Promise<void>,
): Promise<NodePartialFile> {
  const partial = partialName(path);
  const description = `${partial}.json`;
  const pieces = resume ? await notedPieces(description, content) : undefined;
  const found = pieces === undefined ? undefined : await open(partial, "r+").catch(() => undefined);
  if (pieces !== undefined && found !== undefined) {
    const notes = await open(description, "a");
    return new NodePartialFile({ path, partial, description, bytes: found, notes, pieces, unlock });
  }
  // Of another content, of another version of this code, or not to be resumed.
  await rm(description, { force: true });
  const bytes = await open(partial, "w+", 0o600);
  await bytes.truncate(content.bytes);
  const notes = await open(description, "a", 0o600);
  await notes.appendFile(`${JSON.stringify({ formatVersion, ...content })}\n`);
  return new NodePartialFile({ path, partial, description, bytes, notes, pieces: new Map(), unlock });
}

/** Undefined unless the description is whole and of this content. A last line that was cut off is no line. */
async function notedPieces(
  description: string,
  content: PartialContent,
): Promise<ReadonlyMap<number, number> | undefined> {
  const text = await readFile(description, "utf8").catch(() => "");
  const [header, ...lines] = text.split("\n").slice(0, -1);
  if (header !== JSON.stringify({ formatVersion, ...content })) return undefined;
  const pieces = new Map<number, number>();
  for (const line of lines) {
    const found = /^(\d{1,9}) ([0-9a-f]{8})$/.exec(line);
    if (found !== null) pieces.set(Number(found[1]), Number.parseInt(found[2] ?? "", 16));
  }
  return pieces;
}

interface NodePartialFileOptions {
  readonly path: string;
  readonly partial: string;
  readonly description: string;
  readonly bytes: FileHandle;
  readonly notes: FileHandle;
  readonly pieces: ReadonlyMap<number, number>;
  readonly unlock: () => Promise<void>;
}

class NodePartialFile implements PartialFile {
  readonly pieces: ReadonlyMap<number, number>;
  readonly #options: NodePartialFileOptions;

  constructor(options: NodePartialFileOptions) {
    this.#options = options;
    this.pieces = options.pieces;
  }

  async *read(offset: number, bytes: number): AsyncGenerator<Uint8Array> {
    for (let done = 0; done < bytes; ) {
      const buffer = new Uint8Array(Math.min(readBytes, bytes - done));
      const { bytesRead } = await this.#options.bytes.read(buffer, 0, buffer.length, offset + done);
      if (bytesRead === 0) return;
      done += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async write(offset: number, chunks: readonly Uint8Array[]): Promise<void> {
    let position = offset;
    for (let left = chunks; left.length > 0; ) {
      const { bytesWritten } = await this.#options.bytes.writev(left, position);
      position += bytesWritten;
      left = behind(left, bytesWritten);
    }
  }

  async note(piece: number, crc32: number): Promise<void> {
    await this.#options.notes.appendFile(`${piece} ${crc32Text(crc32)}\n`);
  }

  async finish(attributes: LocalAttributes): Promise<void> {
    const { path, partial, description, bytes, unlock } = this.#options;
    await setAttributes(bytes, { ...attributes, mode: attributes.mode ?? defaultMode() });
    await bytes.sync();
    await this.#close();
    await rename(partial, path);
    await rm(description, { force: true });
    await syncFolder(dirname(path));
    await unlock();
  }

  async keep(): Promise<void> {
    await this.#close();
    await this.#options.unlock();
  }

  async discard(): Promise<void> {
    const { partial, description, unlock } = this.#options;
    await this.#close();
    await rm(description, { force: true });
    await rm(partial, { force: true });
    await unlock();
  }

  /** Twice does no harm. */
  async #close(): Promise<void> {
    await this.#options.bytes.close();
    await this.#options.notes.close();
  }
}

/** What is left of the chunks behind their first `bytes`: a write may take less than it was given. */
function behind(chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let skip = bytes;
  const left: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (skip < chunk.length) left.push(chunk.subarray(skip));
    skip = Math.max(0, skip - chunk.length);
  }
  return left;
}
