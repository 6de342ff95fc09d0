/** S3 requests, rightly signed, over node's own client or as the bytes of their heads. */

import { hash } from "node:crypto";
import { once } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import { presignRequest, signRequest, toHex } from "@holdfast/base";
import { within } from "./within.ts";

export const storeKeys = { accessKey: "holdfast", secretKey: "holdfast-dev-secret" };
const deadlineMs = 30_000;

/** One signed request after the other, each on a connection of its own. */
const agent = new Agent({ keepAlive: false });

const sha256 = (data: Uint8Array): Uint8Array => hash("sha256", data, "buffer");

export interface Sent {
  readonly method?: string;
  /** Percent-encoded. */
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Of the body unless given. */
  readonly payloadHash?: string;
  /** When the client's clock says it was signed. */
  readonly wallMs?: number;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** S3's error code; "" when there is none. */
  readonly code: string;
}

export function signedHeaders(port: number, sent: Sent): Readonly<Record<string, string>> {
  const { method = "GET", path, query = "", body = "" } = sent;
  const headers = { host: `127.0.0.1:${port}`, ...sent.headers };
  const payloadHash = sent.payloadHash ?? toHex(sha256(Buffer.from(body)));
  return { ...headers, ...signRequest({ method, path, query, headers, payloadHash, ...signer(sent) }) };
}

/** The query of a URL that whoever has it may use. */
export function presignedQuery(port: number, sent: Sent, expiresSeconds: number): string {
  const { method = "GET", path, query = "" } = sent;
  const headers = { host: `127.0.0.1:${port}` };
  return presignRequest({ method, path, query, headers, expiresSeconds, ...signer(sent) });
}

function signer({ wallMs = Date.now() }: Sent) {
  return { region: "us-east-1", service: "s3", wallMs, sha256, ...storeKeys };
}

export function ask(port: number, sent: Sent): Promise<Answered> {
  return askWith(port, sent, signedHeaders(port, sent));
}

export async function askWith(
  port: number,
  sent: Sent,
  headers: Readonly<Record<string, string>>,
): Promise<Answered> {
  const { method = "GET", query = "", body } = sent;
  const path = query === "" ? sent.path : `${sent.path}?${query}`;
  const request = httpRequest({ host: "127.0.0.1", port, method, path, headers, agent });
  request.end(body);
  const [response] = await within(once(request, "response"), deadlineMs, `an answer to ${method} ${path}`);
  const pieces: Uint8Array[] = [];
  for await (const piece of response) pieces.push(piece);
  const text = Buffer.concat(pieces).toString("latin1");
  const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? "";
  return { status: response.statusCode, headers: response.headers, text, code };
}

/** The bytes of a request up to its body. */
export function headOf(port: number, sent: Sent): string {
  const { method = "GET", path, query = "" } = sent;
  const lines = Object.entries(signedHeaders(port, sent)).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path}${query === "" ? "" : `?${query}`} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
