/** Requests byte for byte as a case wants them, for what SDKs hide, correct or refuse to send. */

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { request as sendHttp } from "node:http";
import { concatBytes, presignRequest, signRequest, utf8, utf8Text } from "@holdfast/base";
import type { Endpoint } from "./endpoint.ts";

export interface RawRequest {
  readonly method?: string;
  /** Encoded, as it stands in the request line. */
  readonly path: string;
  readonly query?: string;
  /** Signed, all of them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent and not signed. */
  readonly unsignedHeaders?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Of the body unless given. */
  readonly payloadHash?: string;
  /** Only the first so many bytes of the body are sent, then the connection waits. */
  readonly sentBytes?: number;
  readonly sign?: "header" | "query" | "no";
  readonly expiresSeconds?: number;
  readonly signedAtMs?: number;
  readonly accessKey?: string;
  readonly secretKey?: string;
  readonly region?: string;
  readonly service?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** The code of an error document; "NotModified" for a 304. */
  readonly code: string;
  /** Whether the server asked for the body that waited for it. */
  readonly continued: boolean;
}

const answerTimeoutMs = 10_000;

export function sha256(data: Uint8Array): Uint8Array {
  return createHash("sha256").update(data).digest();
}

export function signedHeadersOf(endpoint: Endpoint, raw: RawRequest): Readonly<Record<string, string>> {
  const { method = "GET", path, query = "", headers = {}, sign = "header" } = raw;
  const host = new URL(endpoint.url).host;
  const body = bodyOf(raw);
  const length =
    raw.unsignedHeaders?.["transfer-encoding"] === undefined &&
    (body.length > 0 || method === "PUT" || method === "POST")
      ? { "content-length": String(body.length) }
      : {};
  const all: Record<string, string> = { host, ...length, ...headers };
  if (sign !== "header") return all;
  const payloadHash = raw.payloadHash ?? createHash("sha256").update(body).digest("hex");
  return {
    ...all,
    ...signRequest({ method, path, query, headers: all, payloadHash, ...signer(endpoint, raw) }),
  };
}

/** With the signature of a presigned URL, where that is asked for. */
function queryOf(endpoint: Endpoint, raw: RawRequest): string {
  const { method = "GET", path, query = "", headers = {}, sign, expiresSeconds = 60 } = raw;
  if (sign !== "query") return query;
  const host = headers["host"] ?? new URL(endpoint.url).host;
  const signing = { ...signer(endpoint, raw), expiresSeconds };
  return presignRequest({ method, path, query, headers: { host, ...headers }, ...signing });
}

function signer(endpoint: Endpoint, raw: RawRequest) {
  const { accessKey, secretKey, region } = { ...endpoint, ...raw };
  return {
    accessKey,
    secretKey,
    region,
    service: raw.service ?? "s3",
    wallMs: raw.signedAtMs ?? Date.now(),
    sha256,
  };
}

function bodyOf({ body = "" }: RawRequest): Uint8Array {
  return typeof body === "string" ? utf8(body) : body;
}

export async function sendRaw(endpoint: Endpoint, raw: RawRequest): Promise<RawAnswer> {
  const { hostname, port } = new URL(endpoint.url);
  const query = queryOf(endpoint, raw);
  const headers = { ...signedHeadersOf(endpoint, raw), ...raw.unsignedHeaders };
  const path = query === "" ? raw.path : `${raw.path}?${query}`;
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const message = sendHttp({
    method: raw.method ?? "GET",
    hostname,
    port,
    path,
    headers,
    setHost: false,
    agent: false,
  });
  const timer = setTimeout(() => message.destroy(new Error("no answer in time")), answerTimeoutMs);
  let continued = false;
  const body = bodyOf(raw).subarray(0, raw.sentBytes);
  const sendBody = (): void => {
    if (raw.sentBytes === undefined) message.end(body);
    else message.write(body);
  };
  message.on("error", reject);
  message.on("response", (answer) => {
    void gather(answer, continued).then(resolve, reject);
  });
  message.on("continue", () => {
    continued = true;
    sendBody();
  });
  if (headers["expect"] === undefined) sendBody();
  else message.flushHeaders();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    message.destroy();
  }
}

async function gather(answer: IncomingMessage, continued: boolean): Promise<RawAnswer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer) if (chunk instanceof Uint8Array) chunks.push(chunk);
  const bytes = concatBytes(chunks);
  const status = answer.statusCode ?? 0;
  const text = isText(answer) ? utf8Text(bytes) : "";
  const code = status === 304 ? "NotModified" : (/<Error>.*?<Code>(\w+)<\/Code>/s.exec(text)?.[1] ?? "");
  return { status, headers: answer.headers, bytes, text, code, continued };
}

function isText(answer: IncomingMessage): boolean {
  return (answer.headers["content-type"] ?? "").includes("xml");
}
