import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, suite, test } from "node:test";
import { packageVersion } from "../command-line/version.ts";
import { Holdfast } from "../holdfast.ts";
import type { EndpointKeys } from "./endpoint-checks.ts";
import { endpointFindings } from "./endpoint-checks.ts";

suite("doctor: a node's endpoint", () => {
  let holdfast: Holdfast;
  before(async () => {
    holdfast = await Holdfast.start();
  });
  after(() => holdfast.stop());

  const keys = (): EndpointKeys => ({
    accessKey: holdfast.accessKey,
    secretKey: holdfast.secretKey,
    keysFrom: "the test",
  });

  test("that serves: reached, ready, keys accepted, clocks together", async () => {
    const findings = await endpointFindings(holdfast.endpoint, keys(), packageVersion());
    // A test's process has the runtime's own four threads, and whatever limit of files it was started with.
    const ofNode = ["reach", "ready", "keys", "clock", "log", "blocks", "checkpoint", "version"];
    const ofCluster = ["nodes", "system-group", "shards", "layout", "repair", "redundancy"];
    const expected = [...ofNode, ...ofCluster];
    for (const check of expected)
      assert.equal(findings.find((each) => each.check === check)?.severity, "ok", check);
  });

  test("with wrong keys: which ones they were, and not what", async () => {
    const wrong = { accessKey: holdfast.accessKey, secretKey: "not-the-secret", keysFrom: "the test" };
    const findings = await endpointFindings(holdfast.endpoint, wrong, packageVersion());
    const refused = findings.find(({ check }) => check === "keys");
    assert.equal(refused?.severity, "error");
    assert.match(refused.what, /the test/);
    assert.ok(!JSON.stringify(findings).includes("not-the-secret"));
    const { endpoint } = holdfast;
    const unknown = await endpointFindings(endpoint, { ...wrong, accessKey: "nobody" }, "0");
    assert.equal(unknown.find(({ check }) => check === "keys")?.severity, "error");
  });

  test("where nothing listens, or something else does", async () => {
    const [silent, ...rest] = await endpointFindings("http://127.0.0.1:1", keys(), "0");
    assert.equal(silent?.severity, "error");
    assert.match(silent.what, /ECONNREFUSED|refused/);
    assert.deepEqual(rest, []);
    const [foreign] = await endpointFindings(holdfast.s3Endpoint, keys(), "0");
    assert.match(foreign?.what ?? "", /no Holdfast HTTP port/);
  });

  test("whose clock is an hour away, though it refuses the signature for that", async () => {
    const away = createServer((request, answer) => {
      answer.setHeader("date", new Date(Date.now() - 3_600_000).toUTCString());
      if (request.url === "/healthz") return answer.end("alive\n");
      if (request.url === "/readyz") return answer.end('{"ready":true,"writable":true}');
      answer.statusCode = 403;
      const document = {
        code: "RequestTimeSkewed",
        message: "apart",
        retryable: false,
        outcome: "not-applied",
      };
      return answer.end(JSON.stringify(document));
    });
    await new Promise<void>((resolve) => void away.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = away.address() as AddressInfo;
      const findings = await endpointFindings(`http://127.0.0.1:${port}`, keys(), "0");
      const clock = findings.find(({ check }) => check === "clock");
      assert.equal(clock?.severity, "error");
      assert.match(clock.what, /^this machine is (?:1:00:00|59:59|1:00:01) ahead of the node$/);
      assert.match(findings.find(({ check }) => check === "keys")?.what ?? "", /15 minutes apart/);
    } finally {
      away.closeAllConnections();
      away.close();
    }
  });

  test("that is not ready says why", async () => {
    const starting = createServer((request, answer) => {
      if (request.url === "/healthz") return answer.end("alive\n");
      answer.statusCode = 503;
      const document = { ready: false, code: "Unavailable", reason: "it recovers", outcome: "not-applied" };
      return answer.end(JSON.stringify(document));
    });
    await new Promise<void>((resolve) => void starting.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = starting.address() as AddressInfo;
      const findings = await endpointFindings(`http://127.0.0.1:${port}`, keys(), "0");
      assert.deepEqual(
        findings.filter(({ severity }) => severity === "error").map(({ check, what }) => [check, what]),
        [["ready", "not ready: it recovers"]],
      );
    } finally {
      starting.closeAllConnections();
      starting.close();
    }
  });
});
