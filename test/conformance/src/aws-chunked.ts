/** Bodies in aws-chunked framing, signed or not, whole or damaged on purpose. */

import { ChunkSignatures, formatIso8601Basic, utf8 } from "@holdfast/base";
import type { RawRequest } from "./raw-request.ts";
import { sha256, signedHeadersOf } from "./raw-request.ts";
import type { Target } from "./target.ts";

export interface ChunkedBody {
  readonly key: string;
  readonly body: string;
  readonly signed: boolean;
  readonly trailer?: Readonly<Record<string, string>>;
  readonly damage?: "signature" | "length" | "trailer";
}

export function chunkedBody(target: Target, chunked: ChunkedBody): RawRequest {
  const { key, body, signed, trailer, damage } = chunked;
  const names = Object.keys(trailer ?? {});
  const decoded = body.length + (damage === "length" ? 1 : 0);
  const headers: Record<string, string> = {
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": String(decoded),
  };
  if (names.length > 0) headers["x-amz-trailer"] = names.join(",");
  const payloadHash = signed
    ? `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${trailer === undefined ? "" : "-TRAILER"}`
    : "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  const signedAtMs = Date.now();
  const path = target.path(key);
  // The signature covers headers alone, so the body can be made of it: only its length must be known before.
  const length = framed(chunked, signed ? () => "0".repeat(64) : undefined).length;
  const request = {
    method: "PUT",
    path,
    headers: { ...headers, "content-length": String(length) },
    payloadHash,
    signedAtMs,
  };
  const sign = signed ? signerOf(target, request, signedAtMs) : undefined;
  return { ...request, body: framed(chunked, sign) };
}

type Sign = (kind: "chunk" | "trailer", data: string) => string;

function signerOf(target: Target, request: RawRequest, signedAtMs: number): Sign {
  const authorization = signedHeadersOf(target.endpoint, request)["authorization"] ?? "";
  const timestamp = formatIso8601Basic(signedAtMs);
  const signatures = new ChunkSignatures({
    scope: { date: timestamp.slice(0, 8), region: target.endpoint.region, service: "s3" },
    timestamp,
    seedSignature: authorization.slice(-64),
    secretKey: target.endpoint.secretKey,
    sha256,
  });
  return (kind, data) =>
    kind === "chunk" ? signatures.next(sha256(utf8(data))) : signatures.trailer(sha256(utf8(data)));
}

function framed({ body, trailer, damage }: ChunkedBody, sign: Sign | undefined): string {
  const chunk = (data: string): string => {
    const signature = sign?.("chunk", damage === "signature" ? `${data}!` : data);
    return `${data.length.toString(16)}${signature === undefined ? "" : `;chunk-signature=${signature}`}\r\n`;
  };
  let text = `${chunk(body)}${body}\r\n${chunk("")}`;
  const lines = Object.entries(trailer ?? {});
  if (lines.length > 0 && damage !== "trailer") {
    for (const [name, value] of lines) text += `${name}:${value}\r\n`;
    const covered = lines.map(([name, value]) => `${name}:${value}\n`).join("");
    if (sign !== undefined) text += `x-amz-trailer-signature:${sign("trailer", covered)}\r\n`;
  }
  return `${text}\r\n`;
}
