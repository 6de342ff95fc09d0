/** One file over one connection, signed, without parts or pieces: what parallel transfers are held against. */

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:http";
import { pipeline } from "node:stream/promises";
import { signRequest, unsignedPayload } from "@holdfast/base";

export interface Target {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

export async function putSingle(target: Target, name: string, path: string): Promise<void> {
  const { size } = await stat(path);
  const { message, answer } = open(target, "PUT", name, { "content-length": String(size) });
  await pipeline(createReadStream(path, { highWaterMark: 256 * 1024 }), message);
  (await answer).resume();
}

export async function getSingle(target: Target, name: string, path: string): Promise<void> {
  const { message, answer } = open(target, "GET", name, {});
  message.end();
  await pipeline(await answer, createWriteStream(path, { flush: true }));
}

function open(
  { endpoint, accessKey, secretKey }: Target,
  method: string,
  name: string,
  more: Record<string, string>,
) {
  const url = new URL(endpoint);
  const [bucket = "", key = ""] = name.split("/");
  const path = `/api/v1/buckets/${bucket}/files/${key}`;
  const headers = { host: url.host };
  const signature = signRequest({
    method,
    path,
    query: "",
    headers,
    payloadHash: unsignedPayload,
    accessKey,
    secretKey,
    region: "any",
    service: "holdfast",
    wallMs: Date.now(),
    sha256: (data) => createHash("sha256").update(data).digest(),
  });
  const message = request(endpoint, { method, path, headers: { ...headers, ...signature, ...more } });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    message.on("error", reject);
    message.on("response", (response) => {
      if (response.statusCode === 200) resolve(response);
      else reject(new Error(`${method} ${name}: status ${response.statusCode}`));
    });
  });
  return { message, answer };
}
