/**
 * The text by which a node joins a cluster: whom to ask, how to know that they are the cluster, and a secret to show. Whoever
 * has an unused one may join, so it is as secret as a key; the cluster itself keeps the digest of the secret alone.
 *
 *   "hfjoin1.", then in base64url without padding: the encoded token, and its CRC-32 in four bytes
 */

import { randomBytes } from "node:crypto";
import {
  assert,
  byteString,
  crc32,
  decodeOrNothing,
  encode,
  list,
  record,
  StoreError,
  text,
  versioned,
} from "@holdfast/base";
import { fingerprintBytes } from "../authority/fingerprint.ts";
import { isClusterId } from "../authority/node-name.ts";
import { nodeHashing } from "../hashing.ts";
import { parseAddress } from "../network/address.ts";
import { readUint32 } from "../network/frame-format.ts";

export interface JoinToken {
  readonly clusterId: string;
  /** 32 random bytes; good for one node. */
  readonly secret: Uint8Array;
  /** SHA-256 of the authority's certificate: who shows another one is not the cluster. */
  readonly authority: Uint8Array;
  /** `host:port` of 1 to 16 nodes; asked one after another. */
  readonly addresses: readonly string[];
}

export const secretBytes: number = 32;
const addressesMax = 16;
/** A host's name has up to 253 characters. */
const addressLengthMax = 262;
const prefix = "hfjoin1.";
const textLengthMax = 8192;
const crcBytes = 4;

const codec = versioned(
  1,
  record({ clusterId: text, secret: byteString, authority: byteString, addresses: list(text) }),
);

export function newJoinSecret(): Uint8Array {
  return new Uint8Array(randomBytes(secretBytes));
}

/** What the cluster keeps instead of the secret: its SHA-256. */
export function tokenDigest(secret: Uint8Array): Uint8Array {
  return nodeHashing.hash("sha256", secret);
}

/** One word of letters, digits, `.`, `-` and `_`. StoreError InvalidArgument for addresses that nobody could call. */
export function createJoinToken(token: JoinToken): string {
  assert(
    token.secret.length === secretBytes && token.authority.length === fingerprintBytes,
    "a token's parts",
  );
  assert(isClusterId(token.clusterId), `not a cluster id: ${token.clusterId}`);
  if (!areAddresses(token.addresses)) {
    const given = token.addresses.join(", ");
    const message = `a join token names 1 to ${addressesMax} addresses as HOST:PORT, not "${given}"`;
    throw new StoreError("InvalidArgument", message);
  }
  const body = encode(codec, token);
  const bytes = new Uint8Array(body.length + crcBytes);
  bytes.set(body);
  new DataView(bytes.buffer).setUint32(body.length, crc32(body));
  return `${prefix}${Buffer.from(bytes).toString("base64url")}`;
}

/** White space in it is skipped: terminals and letters break long words. StoreError InvalidToken, which never quotes it. */
export function parseJoinToken(given: string): JoinToken {
  const word = given.replace(/\s+/g, "");
  if (word.length > textLengthMax) throw invalid("it is too long: copy the token alone");
  if (!word.startsWith(prefix)) throw invalid(prefixProblem(word));
  const digits = word.slice(prefix.length);
  const bytes = new Uint8Array(Buffer.from(digits, "base64url"));
  const body = bytes.subarray(0, -crcBytes);
  const isWhole =
    bytes.length > crcBytes &&
    Buffer.from(bytes).toString("base64url") === digits &&
    crc32(body) === readUint32(bytes, body.length);
  if (!isWhole) throw invalid("it is incomplete or was changed: copy all of it");
  const token = decodeOrNothing(codec, body);
  if (token === undefined || !isSound(token))
    throw invalid("a newer version of Holdfast made it: install that version here");
  return token;
}

function prefixProblem(word: string): string {
  if (word === "") return "it is empty: give what `holdfast cluster token` printed";
  if (prefix.startsWith(word)) return "it is incomplete: copy all of it";
  if (/^hfjoin\d+\./.test(word)) return "a newer version of Holdfast made it: install that version here";
  return `it does not begin with ${prefix}: give what \`holdfast cluster token\` printed`;
}

function isSound({ clusterId, secret, authority, addresses }: JoinToken): boolean {
  return (
    isClusterId(clusterId) &&
    secret.length === secretBytes &&
    authority.length === fingerprintBytes &&
    areAddresses(addresses)
  );
}

function areAddresses(addresses: readonly string[]): boolean {
  return addresses.length >= 1 && addresses.length <= addressesMax && addresses.every(isAddress);
}

function isAddress(address: string): boolean {
  const parsed = address.length <= addressLengthMax ? parseAddress(address) : undefined;
  return parsed !== undefined && parsed.port > 0;
}

function invalid(reason: string): StoreError {
  return new StoreError("InvalidToken", `the join token cannot be used: ${reason}`);
}
