// What operators see of a real server: log lines, metrics, readiness, doctor. And what nobody may see.
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { suite, test } from "node:test";
import { presignRequest, signRequest } from "@holdfast/base";
import { connect } from "@holdfast/client";
import { CliProcess, cliArguments, run, startDev, temporaryFolder } from "./cli-process.ts";

const keys = { accessKey: "operator", secretKey: "s3cr3t-of-the-operator" };
const metricsToken = "t0ken-of-the-scraper";
const environment = { HOLDFAST_ACCESS_KEY: keys.accessKey, HOLDFAST_SECRET_KEY: keys.secretKey };

interface Server {
  readonly process: CliProcess;
  readonly data: string;
  readonly s3: string;
  readonly http: string;
}

async function startServer(t: TestContext, flags: readonly string[]): Promise<Server> {
  const data = join(await temporaryFolder(t), "node");
  const config = join(data, "..", "start.yaml");
  await writeFile(config, `data: node\ns3: 127.0.0.1:0\nhttp: 127.0.0.1:0\nmetricsToken: ${metricsToken}\n`);
  const started = new CliProcess(process.execPath, cliArguments(["server", "--config", config, ...flags]), {
    environment,
  });
  t.after(async () => {
    started.kill("SIGTERM");
    await started.finished();
  });
  const [, s3 = "", http = ""] = await started.output(/^ready s3=(\S+) http=(\S+) /m);
  return { process: started, data, s3, http };
}

function sha256(data: Uint8Array): Uint8Array {
  return hash("sha256", data, "buffer");
}

interface SignedS3 {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signature: string;
}

function signS3(server: Server, method: string, path: string, secretKey: string = keys.secretKey): SignedS3 {
  const { host } = new URL(server.s3);
  const place = { region: "us-east-1", service: "s3", wallMs: Date.now(), sha256 };
  const payloadHash = "UNSIGNED-PAYLOAD";
  const request = { method, path, query: "", headers: { host }, payloadHash };
  const headers = signRequest({ ...request, ...place, accessKey: keys.accessKey, secretKey });
  return {
    url: `${server.s3}${path}`,
    headers: { ...headers },
    signature: signatureIn(headers.authorization),
  };
}

function presignS3(server: Server, method: string, path: string): SignedS3 {
  const { host } = new URL(server.s3);
  const place = { region: "us-east-1", service: "s3", wallMs: Date.now(), sha256 };
  const request = { method, path, query: "", headers: { host } };
  const query = presignRequest({ ...request, ...place, ...keys, expiresSeconds: 60 });
  return { url: `${server.s3}${path}?${query}`, headers: {}, signature: signatureIn(query) };
}

function signatureIn(text: string): string {
  return /Signature=([0-9a-f]{64})/.exec(text)?.[1] ?? "";
}

interface Line {
  readonly level: string;
  readonly event: string;
  readonly requestId?: string;
  readonly operation?: string;
  readonly status?: number;
  readonly key?: string;
  readonly accessKey?: string;
}

/** A line that no program can read fails the test. */
function linesOf(server: Server): readonly Line[] {
  return server.process.stderr
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

suite("observability of a real server", () => {
  test("every request has one line with the id that its client got, and no line has a secret", async (t) => {
    const server = await startServer(t, ["--access-log", "--log", "debug"]);
    const signatures: string[] = [];
    const ask = async (signed: SignedS3, method: string, body?: string): Promise<Response> => {
      signatures.push(signed.signature);
      const answer = await fetch(signed.url, {
        method,
        headers: signed.headers,
        ...(body === undefined ? {} : { body }),
      });
      return answer;
    };
    assert.equal((await ask(signS3(server, "PUT", "/photos"), "PUT")).status, 200);
    const put = await ask(signS3(server, "PUT", "/photos/cat.jpg"), "PUT", "meow");
    assert.equal(put.status, 200);
    assert.equal((await ask(presignS3(server, "GET", "/photos/cat.jpg"), "GET")).status, 200);
    const missing = await ask(signS3(server, "GET", "/photos/dog.jpg"), "GET");
    assert.equal(missing.status, 404);
    const forged = await ask(signS3(server, "GET", "/photos/cat.jpg", "wrong-secret"), "GET");
    assert.equal(forged.status, 403);
    const tampered = await ask(presignS3(server, "GET", "/photos/cat.jpg"), "HEAD");
    assert.equal(tampered.status, 403);
    const store = await connect({ endpoint: server.http, ...keys });
    await store.storeFile("photos/native", "x".repeat(100_000));
    await store.readFile("photos/native").then((file) => file.text());
    await assert.rejects(store.statFile("photos/none"), { code: "FileNotFound" });
    store.close();
    await fetch(`${server.http}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } });
    await fetch(`${server.http}/metrics`, { headers: { authorization: `Bearer not-${metricsToken}` } });

    const document = await missing.text();
    const requestId = missing.headers.get("x-amz-request-id") ?? "";
    assert.ok(document.includes(`<RequestId>${requestId}</RequestId>`));
    await server.process.output(new RegExp(`"requestId":"${requestId}".*"event":"request"`), "stderr");
    // Lines are written when an answer has left, so a client may be faster.
    await server.process.output(/"operation":"readFile".*"status":200/, "stderr");
    const requests = linesOf(server).filter(({ event }) => event === "request");
    const ids = requests.map((line) => line.requestId);
    assert.equal(new Set(ids).size, ids.length, "one line for each request");
    const lineOf = (answer: Response): Line | undefined =>
      requests.find((line) => line.requestId === answer.headers.get("x-amz-request-id"));
    assert.partialDeepStrictEqual(lineOf(put), {
      level: "info",
      operation: "PutObject",
      bucket: "photos",
      key: "cat.jpg",
      status: 200,
      receivedBytes: 4,
      accessKey: "operator",
      remoteAddress: "127.0.0.1",
    });
    assert.partialDeepStrictEqual(lineOf(missing), {
      status: 404,
      code: "NoSuchKey",
      outcome: "not-applied",
    });
    assert.equal(lineOf(forged)?.accessKey, undefined);
    for (const operation of ["storeFile", "readFile"])
      assert.ok(
        requests.some((line) => line.operation === operation),
        operation,
      );

    const said = server.process.stdout + server.process.stderr;
    assert.ok(signatures.length === 6 && signatures.every((signature) => signature.length === 64));
    for (const secret of [
      keys.secretKey,
      "wrong-secret",
      metricsToken,
      ...signatures,
      "Signature=",
      "AWS4-HMAC",
    ])
      assert.ok(!said.includes(secret), secret);
  });

  test("without the access log a busy server says nothing about requests that went well", async (t) => {
    const server = await startServer(t, []);
    await fetch(signS3(server, "PUT", "/photos").url, { method: "PUT", ...signS3(server, "PUT", "/photos") });
    const { url, headers } = signS3(server, "GET", "/photos/none");
    assert.equal((await fetch(url, { headers })).status, 404);
    assert.ok(linesOf(server).every(({ event }) => event !== "request"));
  });

  test("/metrics counts what the server did, for who has the token", async (t) => {
    const server = await startServer(t, []);
    const { headers } = signS3(server, "PUT", "/photos");
    assert.equal((await fetch(`${server.s3}/photos`, { method: "PUT", headers })).status, 200);
    assert.equal((await fetch(`${server.http}/metrics`)).status, 403);
    const scraped = await fetch(`${server.http}/metrics`, {
      headers: { authorization: `Bearer ${metricsToken}` },
    });
    assert.equal(scraped.status, 200);
    const text = await scraped.text();
    for (const line of [
      /^holdfast_http_requests_total\{gateway="s3",operation="CreateBucket",status="2xx"\} 1$/m,
      /^holdfast_http_request_duration_seconds_count\{gateway="s3",operation="CreateBucket"\} 1$/m,
      /^holdfast_node_ready 1$/m,
      /^holdfast_node_writable 1$/m,
      /^holdfast_log_batches_total [1-9]\d*$/m,
      /^holdfast_log_sync_duration_seconds_count [1-9]\d*$/m,
      /^holdfast_applied_entries_total [1-9]\d*$/m,
      /^holdfast_disk_free_bytes [1-9]\d*$/m,
      /^holdfast_build_info\{version="[\d.]+",node_version="[\d.]+"\} 1$/m,
      /^process_open_fds [1-9]\d*$/m,
    ])
      assert.match(text, line);
  });

  test("the config file keeps the token and the access log, for its owner's eyes alone", async (t) => {
    const { data } = await startServer(t, ["--access-log"]);
    const path = join(data, "config.yaml");
    const text = await readFile(path, "utf8");
    assert.match(text, /^accessLog: true$/m);
    assert.match(text, new RegExp(`^metricsToken: ${metricsToken}$`, "m"));
    assert.equal((await stat(path)).mode & 0o077, 0);
  });
});

suite("holdfast doctor and status", () => {
  test("a node that serves is healthy: exit code 0; one that is gone is not: exit code 1, and what to do", async (t) => {
    const data = join(await temporaryFolder(t), "store");
    const dev = await startDev(t, ["--data", data]);
    const healthy = await run(["doctor", "--json"], { endpoint: dev.http });
    assert.equal(healthy.code, 0, healthy.stdout);
    const findings = healthy.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.partialDeepStrictEqual(findings.at(-1), { kind: "summary", healthy: true, errors: 0 });
    const threads = findings.find(({ check }) => check === "threads");
    assert.deepEqual([threads?.["severity"], threads?.["what"]], ["ok", "16 threads for disk work"]);
    const status = await run(["status"], { endpoint: dev.http });
    for (const row of [
      /^state +ready$/m,
      /^log +1 segment/m,
      /^checkpoint +\d/m,
      /^disk .*reserve/m,
      /^version /m,
    ])
      assert.match(status.stdout, row);
    const local = await run(["doctor", "--data", join(data, "node-0")]);
    assert.match(local.stdout, /lock +served by process \d+/);

    dev.process.kill("SIGTERM");
    await dev.process.finished();
    const gone = await run(["doctor"], { endpoint: dev.http });
    assert.equal(gone.code, 1);
    assert.match(gone.stdout, /ERROR +reach .*cannot be reached/);
    assert.match(gone.stdout, /next: start the node/);
  });
});
