/**
 * What a node that joins and the node that it asks say to each other (docs/internals/network.md): one message each way, behind
 * its length (4 bytes, big-endian). Both are versioned and bounded; what is in `about` is for those above the host to say.
 */

import type { Codec, ErrorCode, NodeId } from "@holdfast/base";
import {
  byteString,
  DecodeError,
  decode,
  encode,
  isErrorCode,
  nodeId,
  oneOf,
  record,
  text,
  union,
  variant,
  versioned,
} from "@holdfast/base";
import type { StoredAuthority } from "../authority/cluster-authority.ts";
import { isNodeId } from "../authority/node-name.ts";
import { secretBytes } from "./join-token.ts";

export interface JoinRequest {
  /** The token's. */
  readonly secret: Uint8Array;
  readonly node: NodeId;
  /** PEM. */
  readonly certificateRequest: string;
  readonly purpose: JoinPurpose;
  /** What the node says of itself. */
  readonly about: Uint8Array;
}

/** `rejoin`: it is a member already, and has lost its log. */
export type JoinPurpose = "join" | "rejoin";

export type JoinAnswer = ({ readonly kind: "accepted" } & JoinAcceptance) | JoinRefusal;

export interface JoinAcceptance {
  /** The node's, PEM. */
  readonly certificate: string;
  /** Its key too: every node may admit others (docs/adr/0011). */
  readonly authority: StoredAuthority;
  /** What the cluster says of itself. */
  readonly about: Uint8Array;
}

export interface JoinRefusal {
  readonly kind: "refused";
  readonly code: ErrorCode;
  readonly message: string;
}

/** What is negotiated in the TLS handshake (ALPN). */
export const joinProtocolName: string = "holdfast-join/1";
/** Of a message, without its length. */
export const joinMessageBytesMax: number = 256 * 1024;
export const joinLengthBytes: number = 4;
/** Of why somebody is refused. */
const refusalLengthMax = 1024;

/** Nobody has looked yet whether the node may be one. */
type SentRequest = Omit<JoinRequest, "node"> & { readonly node: string };

const requestFields = { secret: byteString, node: text, certificateRequest: text, about: byteString };
/** Of nodes that could not come back: all of them join. */
const requestCodecBefore: Codec<Omit<SentRequest, "purpose">> = record(requestFields);

const requestCodec: Codec<SentRequest> = versioned(
  2,
  record({ ...requestFields, purpose: oneOf(["join", "rejoin"] as const) }),
  { 1: (reader) => ({ ...requestCodecBefore.read(reader), purpose: "join" }) },
);

const authorityCodec: Codec<StoredAuthority> = record({ certificate: text, key: text });

const answerCodec = versioned(
  1,
  union({
    accepted: variant(1, record({ certificate: text, authority: authorityCodec, about: byteString })),
    refused: variant(2, record({ code: text, message: text })),
  }),
);

/** With its length in front. RangeError when it is longer than a message may be. */
export function encodeJoinRequest(request: JoinRequest): Uint8Array {
  return withLength(encode(requestCodec, request, joinLengthBytes));
}

/** DecodeError for what no node would send. */
export function decodeJoinRequest(bytes: Uint8Array): JoinRequest {
  const request = decode(requestCodec, bytes);
  if (!isNodeId(request.node)) throw new DecodeError("not a node id");
  if (request.secret.length !== secretBytes) throw new DecodeError("not a token's secret");
  return { ...request, node: nodeId(request.node) };
}

/** With its length in front. RangeError when it is longer than a message may be. */
export function encodeJoinAnswer(answer: JoinAnswer): Uint8Array {
  const bounded =
    answer.kind === "refused" ? { ...answer, message: answer.message.slice(0, refusalLengthMax) } : answer;
  return withLength(encode(answerCodec, bounded, joinLengthBytes));
}

/** DecodeError for what no node would send. A refusal is printable, whatever was sent. */
export function decodeJoinAnswer(bytes: Uint8Array): JoinAnswer {
  const answer = decode(answerCodec, bytes);
  if (answer.kind === "accepted") return answer;
  const message = answer.message.slice(0, refusalLengthMax).replace(/\p{C}/gu, "?");
  // A code that is unknown here is one of a later version.
  return { kind: "refused", code: isErrorCode(answer.code) ? answer.code : "Internal", message };
}

function withLength(bytes: Uint8Array): Uint8Array {
  const length = bytes.length - joinLengthBytes;
  if (length > joinMessageBytesMax)
    throw new RangeError(`a message of ${length} bytes, where ${joinMessageBytesMax} are allowed`);
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, length);
  return bytes;
}
