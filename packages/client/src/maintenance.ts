/** What a node says of its own health: the events of a check, and the scrub. Documents as the native API has them. */

import { concatBytes, emptyBytes, StoreError, utf8Text } from "@holdfast/base";
import { numberIn } from "./document-members.ts";
import { isRecord } from "./error-answer.ts";
import type { Answer } from "./read-answer.ts";
import { notUnderstood } from "./read-answer.ts";
import type { TransportResponse } from "./transport.ts";

export interface FsckProblem {
  readonly kind: "problem";
  /** Such as "block-missing". */
  readonly problem: string;
  readonly message: string;
  /** As `bucket/key`. */
  readonly files: readonly string[];
}

export interface FsckNote {
  readonly kind: "note";
  readonly note: string;
  readonly message: string;
}

interface FsckCounts {
  readonly files: number;
  readonly contents: number;
  readonly blocks: number;
  readonly bytes: number;
}

export interface FsckProgress extends FsckCounts {
  readonly kind: "progress";
  readonly stage: string;
  readonly blocksStored: number;
}

export interface FsckSummary extends FsckCounts {
  readonly kind: "summary";
  readonly clean: boolean;
  readonly problems: number;
  readonly unreferencedBytes: number;
  readonly awaitingErasureBytes: number;
}

export type FsckEvent = FsckProblem | FsckNote | FsckProgress | FsckSummary;

export interface FsckOptions {
  /** Reads every byte. */
  readonly deep?: boolean | undefined;
  /** A bucket or `bucket/prefix`; everything on the node otherwise. */
  readonly within?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ScrubStatus {
  readonly running:
    | {
        readonly startedAtMs: number;
        readonly blocks: number;
        readonly bytes: number;
        readonly damagedBlocks: number;
        readonly blocksStored: number;
      }
    | undefined;
  readonly last:
    | {
        readonly startedAtMs: number;
        readonly finishedAtMs: number;
        readonly blocks: number;
        readonly bytes: number;
        readonly damagedBlocks: number;
        readonly damaged: readonly { readonly block: string; readonly files: readonly string[] }[];
        readonly stateProblems: readonly string[];
      }
    | undefined;
}

/** A line longer than this is none of ours. */
const lineBytesMax = 1024 * 1024;
const lineEnd = 10;

/** The events of a check, to the summary: a check that breaks off before throws. */
export async function* readFsckEvents(
  response: TransportResponse,
): AsyncGenerator<FsckEvent, void, undefined> {
  let isWhole = false;
  try {
    for await (const line of linesOf(response.body)) {
      const event = fsckEventFrom(line);
      isWhole = event.kind === "summary";
      yield event;
    }
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw brokenOff(cause);
  } finally {
    response.cancel();
  }
  if (!isWhole) throw brokenOff(undefined);
}

export function scrubFrom(document: Answer): ScrubStatus {
  const { running, last } = document;
  return { running: scrubRunning(running), last: scrubLast(last) };
}

function scrubRunning(document: unknown): ScrubStatus["running"] {
  if (!isRecord(document)) return undefined;
  return {
    startedAtMs: numberIn(document, "startedAtMs"),
    blocks: numberIn(document, "blocks"),
    bytes: numberIn(document, "bytes"),
    damagedBlocks: numberIn(document, "damagedBlocks"),
    blocksStored: numberIn(document, "blocksStored"),
  };
}

function scrubLast(document: unknown): ScrubStatus["last"] {
  if (!isRecord(document)) return undefined;
  const { damaged, stateProblems } = document;
  return {
    startedAtMs: numberIn(document, "startedAtMs"),
    finishedAtMs: numberIn(document, "finishedAtMs"),
    blocks: numberIn(document, "blocks"),
    bytes: numberIn(document, "bytes"),
    damagedBlocks: numberIn(document, "damagedBlocks"),
    damaged: Array.isArray(damaged) ? damaged.map(damagedBlock) : [],
    stateProblems: texts(stateProblems),
  };
}

function damagedBlock(document: unknown): { readonly block: string; readonly files: readonly string[] } {
  const { block, files } = isRecord(document) ? document : {};
  if (typeof block !== "string") throw notUnderstood();
  return { block, files: texts(files) };
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  // Cut at line ends only: a character of several bytes may be parted by chunks, and a line end is one byte.
  let rest = emptyBytes;
  for await (const chunk of body) {
    let from = 0;
    for (let end = chunk.indexOf(lineEnd); end >= 0; end = chunk.indexOf(lineEnd, from)) {
      yield utf8Text(concatBytes([rest, chunk.subarray(from, end)]));
      rest = emptyBytes;
      from = end + 1;
    }
    rest = concatBytes([rest, chunk.subarray(from)]);
    if (rest.length > lineBytesMax) throw notUnderstood();
  }
}

function fsckEventFrom(line: string): FsckEvent {
  const document = parsed(line);
  const { kind, message, problem, note, stage } = document;
  const counts = (): FsckCounts => ({
    files: numberIn(document, "files"),
    contents: numberIn(document, "contents"),
    blocks: numberIn(document, "blocks"),
    bytes: numberIn(document, "bytes"),
  });
  if (kind === "problem" && typeof problem === "string" && typeof message === "string")
    return { ...document, kind, problem, message, files: texts(document["files"]) };
  if (kind === "note" && typeof note === "string" && typeof message === "string")
    return { ...document, kind, note, message };
  if (kind === "progress" && typeof stage === "string")
    return { kind, stage, ...counts(), blocksStored: numberIn(document, "blocksStored") };
  if (kind !== "summary") throw notUnderstood();
  return {
    kind,
    clean: document["clean"] === true,
    ...counts(),
    problems: numberIn(document, "problems"),
    unreferencedBytes: numberIn(document, "unreferencedBytes"),
    awaitingErasureBytes: numberIn(document, "awaitingErasureBytes"),
  };
}

function parsed(line: string): Answer {
  try {
    const document: unknown = JSON.parse(line);
    if (isRecord(document)) return document;
  } catch (cause) {
    throw notUnderstood(cause);
  }
  throw notUnderstood();
}

export function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((text) => typeof text === "string") : [];
}

function brokenOff(cause: unknown): StoreError {
  return new StoreError("Unavailable", "The check broke off before its end: the node stopped or failed.", {
    cause,
  });
}
