/**
 * What the bytes on a connection for frames mean (docs/internals/network.md). Each side begins with a preface, then come frames,
 * of which the first is a hello or a refusal. Integers are big-endian.
 *
 *   preface: "HOLDFAST", version (1)
 *   frame:   length of the payload (4), kind (1), CRC-32 of these five bytes and the payload (4), payload
 */

import type { NodeId } from "@holdfast/base";
import { DecodeError, decode, encode, nodeId, record, text, utf8, utf8Text, versioned } from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";
import { isNodeId } from "../authority/node-name.ts";

export const framesVersion: number = 1;
/** Of a preface, and of a frame before its payload. */
export const headBytes: number = 9;
/** Of hello and refusal, which come before the other side is known. */
export const greetingBytesMax: number = 1024;

export const frameKinds = { hello: 1, refusal: 2, message: 3, alive: 4 } as const;
export type FrameKind = keyof typeof frameKinds;

const kindOfByte: ReadonlyMap<number, FrameKind> = new Map(
  (["hello", "refusal", "message", "alive"] as const).map((kind) => [frameKinds[kind], kind]),
);

export interface FrameHead {
  readonly kind: FrameKind;
  readonly payloadBytes: number;
  readonly crc: number;
}

export type FrameProblem =
  | "not-holdfast"
  | "other-version"
  | "too-long"
  | "unknown-kind"
  | "bad-checksum"
  | "bad-greeting"
  | "out-of-turn";

/** The other side's bytes are not what they should be: the connection ends. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly problem: FrameProblem;

  constructor(problem: FrameProblem, message: string) {
    super(message);
    this.problem = problem;
  }
}

const magic = utf8("HOLDFAST");

export function preface(version: number = framesVersion): Uint8Array {
  const bytes = new Uint8Array(headBytes);
  bytes.set(magic);
  bytes[magic.length] = version;
  return bytes;
}

/** Whether a connection that begins with this byte is one for frames; exchanges begin with the method of HTTP, POST. */
export function beginsFrames(byte: number | undefined): boolean {
  return byte === magic[0];
}

export function checkPreface(bytes: Uint8Array): void {
  if (!magic.every((byte, i) => bytes[i] === byte))
    throw new FrameError("not-holdfast", "the other side does not speak Holdfast's protocol for frames");
  const version = bytes[magic.length] ?? 0;
  if (version !== framesVersion)
    throw new FrameError(
      "other-version",
      `the other side speaks version ${version} of the protocol for frames, this node version ${framesVersion}`,
    );
}

/** Writes the head of a frame to `into` at `offset`, where there is room for it. */
export function writeFrameHead(
  into: Uint8Array,
  offset: number,
  kind: FrameKind,
  payload: Uint8Array,
  hashing: Hashing,
): void {
  writeUint32(into, offset, payload.length);
  into[offset + 4] = frameKinds[kind];
  writeUint32(into, offset + 5, hashing.crc32(payload, hashing.crc32(into.subarray(offset, offset + 5))));
}

export function readFrameHead(bytes: Uint8Array, payloadBytesMax: number): FrameHead {
  const payloadBytes = readUint32(bytes, 0);
  const kind = kindOfByte.get(bytes[4] ?? 0);
  if (kind === undefined) throw new FrameError("unknown-kind", `a frame of the unknown kind ${bytes[4]}`);
  if (payloadBytes > payloadBytesMax)
    throw new FrameError(
      "too-long",
      `a frame of ${payloadBytes} bytes, where ${payloadBytesMax} are allowed`,
    );
  return { kind, payloadBytes, crc: readUint32(bytes, 5) };
}

export function checkFrameCrc(
  head: Uint8Array,
  { crc }: FrameHead,
  payload: Uint8Array,
  hashing: Hashing,
): void {
  if (hashing.crc32(payload, hashing.crc32(head.subarray(0, 5))) !== crc)
    throw new FrameError("bad-checksum", "a frame does not match its checksum");
}

/** How a node presents itself. */
export interface Hello {
  readonly clusterId: string;
  readonly node: NodeId;
  /** Drawn at random when the process starts. */
  readonly incarnation: string;
}

const helloCodec = versioned(1, record({ clusterId: text, node: text, incarnation: text }));

export function encodeHello(hello: Hello): Uint8Array {
  return encode(helloCodec, hello);
}

/** Throws FrameError. */
export function decodeHello(bytes: Uint8Array): Hello {
  try {
    const hello = decode(helloCodec, bytes);
    if (isNodeId(hello.node)) return { ...hello, node: nodeId(hello.node) };
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
  }
  throw new FrameError("bad-greeting", "the other side's hello is malformed");
}

export function encodeRefusal(message: string): Uint8Array {
  return utf8(message.slice(0, greetingBytesMax / 4));
}

/** Printable, whatever was sent. */
export function decodeRefusal(bytes: Uint8Array): string {
  try {
    return utf8Text(bytes).replace(/[^\x20-\x7e]/g, "?");
  } catch {
    return "without a readable reason";
  }
}

function writeUint32(into: Uint8Array, offset: number, value: number): void {
  into[offset] = value >>> 24;
  into[offset + 1] = value >>> 16;
  into[offset + 2] = value >>> 8;
  into[offset + 3] = value;
}

export function readUint32(bytes: Uint8Array, offset: number): number {
  const low = ((bytes[offset + 1] ?? 0) << 16) | ((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0);
  return (bytes[offset] ?? 0) * 0x100_0000 + low;
}
