import { createHash, hash } from "node:crypto";
import { signRequest } from "@holdfast/base";
import type { LoadPhase, RequestPattern } from "./message.ts";

const sha256 = (data: Uint8Array): Uint8Array => hash("sha256", data, "buffer");

/** A connection's requests as bytes: head alone for large bodies, head and body in one otherwise. */
export function makeRequests(
  { requestsPerConnection, request }: LoadPhase,
  connection: number,
  port: number,
): Buffer[] {
  const payload = payloadOf(request);
  return Array.from({ length: requestsPerConnection }, (_, i) => {
    const key = `${request.keyPrefix}${connection}-${i % request.keysPerConnection}`;
    return request.api === "etcd" ? etcdPut(key, payload.body, port) : signed(request, key, payload, port);
  });
}

interface Payload {
  readonly body: Buffer;
  /** As the signature has it. */
  readonly sha256Hex: string;
}

function payloadOf({ bodyBytes, unsignedPayload }: RequestPattern): Payload {
  const body = Buffer.alloc(bodyBytes, 0x5a);
  return {
    body,
    sha256Hex: unsignedPayload ? "UNSIGNED-PAYLOAD" : createHash("sha256").update(body).digest("hex"),
  };
}

function signed(pattern: RequestPattern, key: string, { body, sha256Hex }: Payload, port: number): Buffer {
  const { api = "S3", method, bucket, accessKey, secretKey } = pattern;
  const path = api === "HTTP" ? `/api/v1/buckets/${bucket}/files/${key}` : `/${bucket}/${key}`;
  const headers: Record<string, string> = { host: `127.0.0.1:${port}` };
  if (method === "PUT") headers["content-length"] = String(body.length);
  const service = api === "HTTP" ? "holdfast" : "s3";
  const signing = { region: "us-east-1", service, wallMs: Date.now(), sha256, accessKey, secretKey };
  const all = {
    ...headers,
    ...signRequest({ method, path, query: "", headers, payloadHash: sha256Hex, ...signing }),
  };
  return inBytes(method, path, all, body.length <= 64 * 1024 ? body : Buffer.alloc(0));
}

function etcdPut(key: string, value: Buffer, port: number): Buffer {
  const fields = { key: Buffer.from(key).toString("base64"), value: value.toString("base64") };
  const body = Buffer.from(JSON.stringify(fields));
  const headers = { host: `127.0.0.1:${port}`, "content-length": String(body.length) };
  return inBytes("POST", "/v3/kv/put", headers, body);
}

function inBytes(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`), body]);
}
