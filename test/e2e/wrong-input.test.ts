// Wrong input and bad days over real sockets: the right S3 error, nothing stored, the node goes on.
import assert from "node:assert/strict";
import { createHash, hash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { signRequest } from "@holdfast/base";
import { createS3Gateway } from "@holdfast/gateway-s3";
import type { HttpListener } from "@holdfast/host";
import { listenHttp, nodeHashing, openDisk, openKeyValue, realClock, secureRandom } from "@holdfast/host";
import type { HoldfastNode, NodeOptions } from "@holdfast/node";
import { startNode } from "@holdfast/node";
import { silentJournal } from "@holdfast/ports";

const keys = { accessKey: "key", secretKey: "secret-key" };
const sha256 = (data: Uint8Array): Uint8Array => hash("sha256", data, "buffer");

interface Running {
  readonly node: HoldfastNode;
  readonly listener: HttpListener;
}

async function start(data: string, options: NodeOptions = {}): Promise<Running> {
  const disk = await openDisk(data);
  const openStore = async (folder: string): Promise<ReturnType<typeof openKeyValue>> => {
    await disk.makeFolder(folder);
    return openKeyValue(join(data, folder));
  };
  const ports = {
    clock: realClock,
    disk,
    openKeyValue: openStore,
    random: secureRandom,
    hashing: nodeHashing,
  };
  const node = await startNode({ ...ports, journal: silentJournal }, options);
  const access = { credentials: () => Promise.resolve({ account: "root", secretKey: keys.secretKey }) };
  const { clock, hashing } = ports;
  const handler = createS3Gateway({ files: node.files, access, clock, hashing, journal: silentJournal });
  const listener = await listenHttp({ host: "127.0.0.1", port: 0, handler, clock, journal: silentJournal });
  return { node, listener };
}

async function stop({ node, listener }: Running): Promise<void> {
  await listener.close();
  await node.stop();
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly payloadHash?: string;
}

function signed(port: number, sent: Sent): Record<string, string> {
  const { method, path, query = "", body = "" } = sent;
  const headers = { host: `127.0.0.1:${port}`, ...sent.headers };
  const payloadHash = sent.payloadHash ?? createHash("sha256").update(body).digest("hex");
  const place = { region: "us-east-1", service: "s3", wallMs: Date.now(), sha256 };
  return { ...headers, ...signRequest({ method, path, query, headers, payloadHash, ...place, ...keys }) };
}

async function send(
  port: number,
  sent: Sent,
): Promise<{ readonly status: number; readonly text: string; readonly outcome: unknown }> {
  const path = sent.query === undefined ? sent.path : `${sent.path}?${sent.query}`;
  const request = httpRequest({
    host: "127.0.0.1",
    port,
    method: sent.method,
    path,
    headers: signed(port, sent),
  });
  request.end(sent.body);
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, text, outcome: response.headers["x-holdfast-outcome"] };
}

describe("wrong input over S3", () => {
  let data: string;
  let running: Running;
  const ask = (sent: Sent): ReturnType<typeof send> => send(running.listener.port, sent);
  const refused = async (sent: Sent, status: number, code: string): Promise<void> => {
    const answer = await ask(sent);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, new RegExp(`<Code>${code}</Code>`));
  };
  const nothingAt = async (path: string): Promise<void> =>
    assert.equal((await ask({ method: "HEAD", path })).status, 404);

  before(async () => {
    data = await mkdtemp(join(tmpdir(), "holdfast-wrong-input-"));
    running = await start(data);
    assert.equal((await ask({ method: "PUT", path: "/bucket" })).status, 200);
  });
  after(async () => {
    await stop(running);
    await rm(data, { recursive: true, force: true });
  });

  test("a body that breaks off before its declared length stores nothing, small or large", async () => {
    for (const declared of [1000, 3_000_000]) {
      const { port } = running.listener;
      const path = `/bucket/short-${declared}`;
      const headers = signed(port, {
        method: "PUT",
        path,
        headers: { "content-length": String(declared) },
        payloadHash: "UNSIGNED-PAYLOAD",
      });
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const socket = connect({ host: "127.0.0.1", port });
      socket.write(`PUT ${path} HTTP/1.1\r\n${lines.join("")}\r\n${"x".repeat(declared - 1)}`);
      socket.end();
      socket.resume();
      await once(socket, "close");
      await nothingAt(path);
    }
  });

  test("an aws-chunked body shorter or longer than it says is refused", async () => {
    for (const decoded of [4, 6]) {
      const headers = { "x-amz-decoded-content-length": String(decoded), "content-encoding": "aws-chunked" };
      const payloadHash = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
      const body = "5\r\nhello\r\n0\r\n\r\n";
      await refused(
        { method: "PUT", path: "/bucket/chunked", headers, payloadHash, body },
        400,
        "IncompleteBody",
      );
    }
    await nothingAt("/bucket/chunked");
  });

  test("a payload that differs from its signed hash, and a wrong signature, are refused", async () => {
    const payloadHash = createHash("sha256").update("something else").digest("hex");
    await refused(
      { method: "PUT", path: "/bucket/hash", body: "x", payloadHash },
      400,
      "XAmzContentSHA256Mismatch",
    );
    await nothingAt("/bucket/hash");
    const { port } = running.listener;
    const headers = signed(port, { method: "PUT", path: "/bucket/one" });
    const request = httpRequest({ host: "127.0.0.1", port, method: "PUT", path: "/bucket/other", headers });
    request.end();
    const [response] = await once(request, "response");
    response.resume();
    assert.equal(response.statusCode, 403);
    await nothingAt("/bucket/other");
  });

  test("malformed XML, entities and documents that are too large are refused", async () => {
    const upload = await ask({ method: "POST", path: "/bucket/up", query: "uploads=" });
    const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(upload.text)?.[1] ?? "";
    const complete = { method: "POST", path: "/bucket/up", query: `uploadId=${uploadId}` };
    await refused({ ...complete, body: "<CompleteMultipartUpload><Part>" }, 400, "MalformedXML");
    await refused({ ...complete, body: "no xml" }, 400, "MalformedXML");
    const bomb = '<!DOCTYPE a [<!ENTITY b "c">]><CompleteMultipartUpload>&b;</CompleteMultipartUpload>';
    await refused({ ...complete, body: bomb }, 400, "MalformedXML");
    const huge = `<CompleteMultipartUpload>${" ".repeat(3 << 20)}</CompleteMultipartUpload>`;
    assert.ok((await ask({ ...complete, body: huge })).status >= 400);
    await nothingAt("/bucket/up");
  });

  test("keys that are too long or not UTF-8, and ranges outside the file, are refused", async () => {
    await refused({ method: "PUT", path: `/bucket/${"k".repeat(1025)}`, body: "x" }, 400, "KeyTooLongError");
    assert.equal((await ask({ method: "PUT", path: "/bucket/%ff", body: "x" })).status, 400);
    await ask({ method: "PUT", path: "/bucket/five", body: "12345" });
    await refused(
      { method: "GET", path: "/bucket/five", headers: { range: "bytes=5-" } },
      416,
      "InvalidRange",
    );
  });

  test("a full disk refuses writes for now; reads and deletes go on, and nothing is stored", async () => {
    await ask({ method: "PUT", path: "/bucket/kept", body: "kept" });
    await ask({ method: "PUT", path: "/bucket/deleted", body: "deleted" });
    await stop(running);
    running = await start(data, { reserveBytes: Number.MAX_SAFE_INTEGER });
    for (const body of ["small", "large".repeat(100_000)]) {
      const answer = await ask({ method: "PUT", path: "/bucket/full", body });
      assert.equal(answer.status, 503, answer.text);
      assert.match(answer.text, /<Code>ServiceUnavailable<\/Code>/);
      assert.equal(answer.outcome, "not-applied");
    }
    await nothingAt("/bucket/full");
    assert.equal((await ask({ method: "GET", path: "/bucket/kept" })).text, "kept");
    assert.equal((await ask({ method: "DELETE", path: "/bucket/deleted" })).status, 204);
    await nothingAt("/bucket/deleted");
    await stop(running);
    running = await start(data);
    assert.equal((await ask({ method: "PUT", path: "/bucket/full", body: "room again" })).status, 200);
  });
});
