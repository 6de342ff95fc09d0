import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { suite, test } from "node:test";
import { utf8 } from "@holdfast/base";
import type { EndedExchange, HttpHandler, RequestSummary } from "@holdfast/ports";
import { allMetrics, silentJournal } from "@holdfast/ports";
import { CollectingJournal, RecordingMetrics } from "@holdfast/ports/simulated";
import { realClock } from "../clock.ts";
import { listenHttp } from "./listen-http.ts";
import { RequestLog } from "./request-log.ts";

const about: RequestSummary = {
  operation: "GetObject",
  bucket: "photos",
  key: "cat.jpg",
  accessKey: "holdfast",
  code: undefined,
  outcome: undefined,
};

function ended(changes: Partial<EndedExchange> = {}): EndedExchange {
  const request = {
    method: "GET",
    path: "/photos/cat.jpg",
    query: "X-Amz-Signature=5ec7e7",
    headers: { authorization: "5ec7e7" },
    body: nothing(),
    signal: new AbortController().signal,
    throwIfAborted: () => undefined,
    remoteAddress: "127.0.0.1",
    requestId: "run-1",
  };
  const sizes = { receivedBytes: 3, sentBytes: 5, durationMs: 1.23456 };
  return { request, about, status: 200, ...sizes, isBroken: false, ...changes };
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

function requestLog(accessLog: boolean) {
  const journal = new CollectingJournal();
  const metrics = new RecordingMetrics();
  const log = new RequestLog({ gateway: "s3", journal, metrics, accessLog });
  const end = (exchange: EndedExchange): void => {
    log.onBegin();
    log.onEnd(exchange);
  };
  return { journal, metrics, log, end };
}

suite("request log: lines", () => {
  test("with the access log each request has one line that says all but secrets", () => {
    const { journal, end } = requestLog(true);
    end(ended());
    assert.deepEqual(journal.lines, [
      {
        level: "info",
        event: "request",
        fields: {
          gateway: "s3",
          requestId: "run-1",
          operation: "GetObject",
          method: "GET",
          bucket: "photos",
          key: "cat.jpg",
          path: undefined,
          status: 200,
          code: undefined,
          outcome: undefined,
          broken: undefined,
          receivedBytes: 3,
          sentBytes: 5,
          durationMs: 1.235,
          remoteAddress: "127.0.0.1",
          accessKey: "holdfast",
        },
      },
    ]);
    assert.ok(!JSON.stringify(journal.lines).includes("5ec7e7"));
  });

  test("without it only what failed here has one: faults as errors, delays as warnings", () => {
    const { journal, end } = requestLog(false);
    for (const status of [200, 206, 304, 404, 412, 501, 500, 503, 507]) end(ended({ status }));
    assert.deepEqual(
      journal.lines.map(({ level, fields }) => [level, fields["status"]]),
      [
        ["error", 500],
        ["warn", 503],
        ["warn", 507],
      ],
    );
  });

  test("a probe has a line only when it fails", () => {
    const { journal, end } = requestLog(true);
    for (const operation of ["healthz", "readyz", "metrics"]) end(ended({ about: { ...about, operation } }));
    end(ended({ about: { ...about, operation: "readyz" }, status: 503 }));
    assert.deepEqual(
      journal.lines.map(({ fields }) => fields["status"]),
      [503],
    );
  });

  test("long keys and paths are cut", () => {
    const { journal, end } = requestLog(true);
    end(ended({ about: { ...about, key: "k".repeat(1024) } }));
    end(ended({ about: undefined, request: { ...ended().request, path: `/${"p".repeat(20_000)}` } }));
    for (const { fields } of journal.lines) assert.ok(JSON.stringify(fields).length < 700);
  });
});

suite("request log: metrics", () => {
  test("requests by operation and class of status, bytes, durations, errors by code", async () => {
    const { metrics, end } = requestLog(false);
    end(ended());
    end(ended({ status: 404, about: { ...about, code: "NoSuchKey", outcome: "not-applied" } }));
    end(ended({ isBroken: true }));
    const labels = { gateway: "s3", operation: "GetObject" };
    const requests = (status: string): Promise<number | undefined> =>
      metrics.value(allMetrics.httpRequests, { ...labels, status });
    assert.deepEqual(
      await Promise.all(["2xx", "3xx", "4xx", "5xx", "broken"].map(requests)),
      [1, 0, 1, 0, 1],
    );
    assert.equal(await metrics.value(allMetrics.httpRequestBytes, labels), 9);
    assert.equal(await metrics.value(allMetrics.httpResponseBytes, labels), 15);
    assert.equal(await metrics.observations(allMetrics.httpDuration, labels), 3);
    assert.equal(await metrics.value(allMetrics.httpErrors, { gateway: "s3", code: "NoSuchKey" }), 1);
  });

  test("requests in flight rise and fall", async () => {
    const { metrics, log } = requestLog(false);
    const inFlight = (): Promise<number | undefined> =>
      metrics.value(allMetrics.httpInFlight, { gateway: "s3" });
    log.onBegin();
    log.onBegin();
    assert.equal(await inFlight(), 2);
    log.onEnd(ended());
    assert.equal(await inFlight(), 1);
  });

  test("a request costs a few microseconds at most", () => {
    const { end } = requestLog(false);
    const exchange = ended();
    const rounds = 100_000;
    const measure = (): number => {
      const begun = process.cpuUsage();
      for (let i = 0; i < rounds; i++) end(exchange);
      return (process.cpuUsage(begun).user * 1000) / rounds;
    };
    measure();
    const nsPerRequest = Math.min(measure(), measure(), measure());
    assert.ok(nsPerRequest < 3000, `${nsPerRequest} ns`);
  });
});

suite("request log: over a real connection", () => {
  async function exchange(handler: HttpHandler, sent: string, reads: (text: string) => boolean) {
    const seen = Promise.withResolvers<EndedExchange>();
    const observer = { onBegin: () => undefined, onEnd: seen.resolve };
    const listening = {
      host: "127.0.0.1",
      port: 0,
      handler,
      journal: silentJournal,
      clock: realClock,
      observer,
    };
    const listener = await listenHttp(listening);
    const socket = connect(listener.port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (reads(text)) socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.write(sent);
    try {
      return await seen.promise;
    } finally {
      socket.destroy();
      await listener.close();
    }
  }

  test("bytes are those of the bodies, and the answer's summary comes along", async () => {
    const handler: HttpHandler = async (request) => {
      for await (const _ of request.body);
      return { status: 200, headers: {}, body: utf8("12345"), about };
    };
    const sent = "PUT /a HTTP/1.1\r\nhost: a\r\ncontent-length: 7\r\n\r\n1234567";
    const found = await exchange(handler, sent, () => false);
    assert.deepEqual([found.receivedBytes, found.sentBytes, found.status], [7, 5, 200]);
    assert.equal(found.about, about);
    assert.ok(found.durationMs > 0 && !found.isBroken);
  });

  test("an answer whose reader goes away amid it is broken", async () => {
    async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
      for (;;) yield new Uint8Array(65_536);
    }
    const handler: HttpHandler = () => Promise.resolve({ status: 200, headers: {}, body: endless(), about });
    const sent = "GET /a HTTP/1.1\r\nhost: a\r\n\r\n";
    const found = await exchange(handler, sent, (text) => text.length > 100_000);
    assert.ok(found.isBroken);
    assert.ok(found.sentBytes > 65_536);
  });

  test("a handler that throws is counted as 500, and the client gets the request's id", async () => {
    const listenerFor: HttpHandler = () => Promise.reject(new Error("bug"));
    const seen = Promise.withResolvers<EndedExchange>();
    const observer = { onBegin: () => undefined, onEnd: seen.resolve };
    const journal = new CollectingJournal();
    const listener = await listenHttp({
      host: "127.0.0.1",
      port: 0,
      handler: listenerFor,
      journal,
      clock: realClock,
      observer,
    });
    const socket = connect(listener.port, "127.0.0.1");
    socket.write("GET /a HTTP/1.1\r\nhost: a\r\nx-amz-request-id: forged\r\n\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    const { status, request } = await seen.promise;
    socket.destroy();
    await listener.close();
    assert.equal(status, 500);
    assert.notEqual(request.requestId, "forged");
    assert.ok(answer.toString().includes(request.requestId));
    assert.equal(journal.lines[0]?.fields["requestId"], request.requestId);
  });
});
