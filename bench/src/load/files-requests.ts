import { createHash, hash } from "node:crypto";
import { signRequest } from "@holdfast/base";
import { fileName, keysPerPage, pageStarts } from "./file-names.ts";
import type { FilesPhase } from "./message.ts";

const sha256 = (data: Uint8Array): Uint8Array => hash("sha256", data, "buffer");

interface Unsigned {
  readonly method: "PUT" | "GET" | "POST";
  readonly path: string;
  readonly query: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** The requests of every connection as bytes; each connection by its port. */
export function makeFilesRequests(phase: FilesPhase, ports: readonly number[]): Buffer[][] {
  const lists = ports.map((): Buffer[] => []);
  let count = 0;
  for (const request of requestsOf(phase)) {
    const connection = count++ % ports.length;
    lists[connection]?.push(signed(request, phase, ports[connection] ?? 0));
  }
  return lists;
}

function requestsOf(phase: FilesPhase): Iterable<Unsigned> {
  switch (phase.kind) {
    case "put":
      return puts(phase);
    case "list":
      return lists(phase);
    case "delete":
      return deletions(phase);
  }
}

function* puts({ bucket, population, from, to, bodyBytes }: FilesPhase): Iterable<Unsigned> {
  const body = Buffer.alloc(bodyBytes, 0x5a);
  for (let number = from; number < to; number++) {
    const path = `/${bucket}/${fileName(number, population)}`;
    yield { method: "PUT", path, query: "", body, headers: {} };
  }
}

function* lists({ bucket, population, to }: FilesPhase): Iterable<Unsigned> {
  for (const start of pageStarts(to, population)) {
    const query = `list-type=2&max-keys=${keysPerPage}&start-after=${encodeURIComponent(start)}`;
    yield { method: "GET", path: `/${bucket}`, query, body: Buffer.alloc(0), headers: {} };
  }
}

function* deletions({ bucket, population, from, to }: FilesPhase): Iterable<Unsigned> {
  for (let first = from; first < to; first += keysPerPage) {
    let objects = "";
    for (let number = first; number < Math.min(to, first + keysPerPage); number++)
      objects += `<Object><Key>${fileName(number, population)}</Key></Object>`;
    const body = Buffer.from(`<Delete><Quiet>true</Quiet>${objects}</Delete>`);
    const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
    yield { method: "POST", path: `/${bucket}`, query: "delete=", body, headers };
  }
}

function signed(request: Unsigned, { accessKey, secretKey }: FilesPhase, port: number): Buffer {
  const { method, path, query, body } = request;
  const headers: Record<string, string> = { host: `127.0.0.1:${port}`, ...request.headers };
  if (method !== "GET") headers["content-length"] = String(body.length);
  const payloadHash = hash("sha256", body, "hex");
  const signing = { region: "us-east-1", service: "s3", wallMs: Date.now(), sha256, accessKey, secretKey };
  const all = { ...headers, ...signRequest({ method, path, query, headers, payloadHash, ...signing }) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const target = query === "" ? path : `${path}?${query}`;
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`), body]);
}
