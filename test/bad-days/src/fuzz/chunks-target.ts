/**
 * Bodies in aws-chunked framing, signed chunk by chunk, or unsigned with a checksum in the trailer; whole, or damaged on
 * the way. What is stored in the end is the content that the client meant, or nothing.
 */

import type { Random } from "@holdfast/base";
import {
  ChunkSignatures,
  chance,
  concatBytes,
  equalBytes,
  parseAuthorization,
  uniform,
  utf8,
} from "@holdfast/base";
import { nodeHashing } from "@holdfast/host";
import type { FuzzRequest } from "./gateway-world.ts";
import { bucket, fuzzSecretKey, GatewayWorld, sha256 } from "./gateway-world.ts";
import { mutate, pick, split } from "./mutate.ts";
import type { FuzzTarget } from "./target.ts";
import { FuzzFinding } from "./target.ts";

const key = "chunked";
const forms = [
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
  "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
] as const;

export class ChunksTarget implements FuzzTarget {
  readonly name = "chunks";
  readonly #world: GatewayWorld;

  constructor(world: GatewayWorld) {
    this.#world = world;
  }

  async run(random: Random): Promise<void> {
    const form = pick(random, forms);
    const content = random.bytes(pick(random, [0, 1, 5, 1000, 20_000, 100_000]));
    const hasTrailer = form.endsWith("TRAILER");
    const headers: Record<string, string> = {
      "content-encoding": "aws-chunked",
      "x-amz-decoded-content-length": String(chance(random, 0.9) ? content.length : uniform(random, 100_001)),
    };
    if (hasTrailer) headers["x-amz-trailer"] = "x-amz-checksum-crc32";
    const path = `/${bucket}/${key}`;
    const request = {
      gateway: "s3",
      method: "PUT",
      path,
      query: "",
      headers,
      body: [],
      payloadHash: form,
    } as const;
    const signed = this.#world.sign(request);
    const framed = mutate(random, frame(random, content, signed, form));
    await this.#judge({ ...request, body: split(random, framed) }, signed, content);
  }

  close(): Promise<void> {
    return this.#world.close();
  }

  async #judge(
    request: FuzzRequest,
    signed: Readonly<Record<string, string>>,
    meant: Uint8Array,
  ): Promise<void> {
    const headers = {
      ...signed,
      "content-length": String(request.body.reduce((sum, piece) => sum + piece.length, 0)),
    };
    const { status } = await this.#world.ask(request, headers);
    if (status !== 200) return;
    const { body } = await this.#world.files.readFile({ bucket, key });
    const pieces: Uint8Array[] = [];
    if (body instanceof Uint8Array) pieces.push(body);
    else for await (const piece of body) pieces.push(piece);
    if (!equalBytes(concatBytes(pieces), meant))
      throw new FuzzFinding("another content than was meant is stored");
  }
}

function frame(
  random: Random,
  content: Uint8Array,
  headers: Readonly<Record<string, string>>,
  form: (typeof forms)[number],
): Uint8Array {
  const signatures = form === "STREAMING-UNSIGNED-PAYLOAD-TRAILER" ? undefined : signaturesOf(headers);
  const framed: Uint8Array[] = [];
  for (let at = 0; at <= content.length; ) {
    const data = content.subarray(at, at + 1 + uniform(random, pick(random, [10, 9000, 70_000])));
    const extension = signatures === undefined ? "" : `;chunk-signature=${signatures.next(sha256(data))}`;
    framed.push(utf8(`${data.length.toString(16)}${extension}\r\n`));
    if (data.length === 0) break;
    framed.push(data, utf8("\r\n"));
    at += data.length;
  }
  if (form.endsWith("TRAILER")) framed.push(trailer(content, signatures));
  framed.push(utf8("\r\n"));
  return concatBytes(framed);
}

function trailer(content: Uint8Array, signatures: ChunkSignatures | undefined): Uint8Array {
  const crc = new Uint8Array(4);
  new DataView(crc.buffer).setUint32(0, nodeHashing.crc32(content));
  const line = `x-amz-checksum-crc32:${Buffer.from(crc).toString("base64")}`;
  const signature =
    signatures === undefined
      ? ""
      : `x-amz-trailer-signature:${signatures.trailer(sha256(utf8(`${line}\n`)))}\r\n`;
  return utf8(`${line}\r\n${signature}`);
}

function signaturesOf(headers: Readonly<Record<string, string>>): ChunkSignatures {
  const authorization = parseAuthorization({ method: "PUT", path: "", query: "", headers });
  if (authorization.kind !== "header") throw new Error("the request is not signed");
  const { scope, timestamp, signature: seedSignature } = authorization;
  return new ChunkSignatures({ scope, timestamp, seedSignature, secretKey: fuzzSecretKey, sha256 });
}
