import { createHash, hash } from "node:crypto";
import { signRequest } from "@holdfast/base";
import type { LoadPhase } from "./message.ts";

const sha256 = (data: Uint8Array): Uint8Array => hash("sha256", data, "buffer");

/** A connection's requests as bytes: head alone for large bodies, head and body in one otherwise. */
export function makeRequests(
  { requestsPerConnection, request }: LoadPhase,
  connection: number,
  port: number,
): Buffer[] {
  const { method, bucket, bodyBytes, accessKey, secretKey } = request;
  const body = Buffer.alloc(bodyBytes, 0x5a);
  const payloadHash = request.unsignedPayload
    ? "UNSIGNED-PAYLOAD"
    : createHash("sha256").update(body).digest("hex");
  const inOne = bodyBytes <= 64 * 1024 ? body : Buffer.alloc(0);
  const requests: Buffer[] = [];
  for (let i = 0; i < requestsPerConnection; i++) {
    const path = `/${bucket}/${request.keyPrefix}${connection}-${i % request.keysPerConnection}`;
    const headers: Record<string, string> = { host: `127.0.0.1:${port}` };
    if (method === "PUT") headers["content-length"] = String(bodyBytes);
    const signing = { region: "us-east-1", service: "s3", wallMs: Date.now(), sha256, accessKey, secretKey };
    const signed = {
      ...headers,
      ...signRequest({ method, path, query: "", headers, payloadHash, ...signing }),
    };
    const lines = Object.entries(signed).map(([name, value]) => `${name}: ${value}\r\n`);
    requests.push(Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`), inOne]));
  }
  return requests;
}
