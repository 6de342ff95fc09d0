/** Where an upload's parts come from. Several senders take from one source at once. */

import { limits, StoreError } from "@holdfast/base";
import type { Source } from "./content.ts";
import { readWhole } from "./content.ts";

export interface PartSource {
  /** The next part; undefined when there are no more. One that was handed out is the taker's to send. */
  take(): Promise<Part | undefined>;
}

export interface Part {
  /** From 1. */
  readonly part: number;
  readonly bytes: number;
  /** In one piece of memory. */
  readonly load: () => Promise<Uint8Array>;
  /** As it is read, without being held; undefined where it can be read once only. */
  readonly read: (() => AsyncIterable<Uint8Array>) | undefined;
}

/** Parts are read by whoever takes them: at once, and only what is asked for. */
export function rereadableParts(
  source: Extract<Source, { readonly kind: "bytes" | "sized" }>,
  partBytes: number,
): PartSource {
  const total = source.kind === "bytes" ? source.data.length : source.bytes;
  let next = 0;
  return {
    take: () => {
      const part = next + 1;
      const offset = next * partBytes;
      if (offset >= total) return Promise.resolve(undefined);
      next = part;
      const bytes = Math.min(partBytes, total - offset);
      if (source.kind === "bytes")
        return Promise.resolve(memoryPart(part, source.data.subarray(offset, offset + bytes)));
      return Promise.resolve({
        part,
        bytes,
        load: () => readWhole(source, offset, bytes),
        read: () => source.read(offset, bytes),
      });
    },
  };
}

/** One after the other, in the order they were asked for. */
export function streamParts(first: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): PartSource {
  const waiting = [...first];
  let part = 0;
  let before: Promise<unknown> = Promise.resolve();
  const next = async (): Promise<Part | undefined> => {
    const data = waiting.shift() ?? (await dataOf(rest));
    if (data === undefined) return undefined;
    part += 1;
    if (part > limits.partNumberMax)
      throw new StoreError("BodyTooLarge", "A stream of unknown length has at most 585 GiB.");
    return memoryPart(part, data);
  };
  return {
    take: () => {
      const taken = before.then(next);
      before = taken.catch(() => undefined);
      return taken;
    },
  };
}

async function dataOf(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  const step = await iterator.next();
  return step.done === true ? undefined : step.value;
}

function memoryPart(part: number, data: Uint8Array): Part {
  async function* read(): AsyncGenerator<Uint8Array> {
    yield data;
  }
  return { part, bytes: data.length, load: () => Promise.resolve(data), read };
}
