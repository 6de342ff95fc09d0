/** Requests that are wrong on the wire: refused with the right status, nothing stored, the connection's next one not mistaken. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { realClock } from "@holdfast/host";
import type { Clock } from "@holdfast/ports";
import { RawConnection } from "./store/raw-connection.ts";
import { RealStore } from "./store/real-store.ts";
import type { Answered, Sent } from "./store/s3-request.ts";
import { ask, askWith, headOf, presignedQuery, signedHeaders } from "./store/s3-request.ts";

/** How far the server's wall clock is off; its timers do not notice. */
let skewMs = 0;
const clock: Clock = { ...realClock, wallMs: () => Date.now() + skewMs };
const minuteMs = 60_000;

let data: string;
let store: RealStore;
const send = (sent: Sent): Promise<Answered> => ask(store.s3Port, sent);

before(async () => {
  data = await mkdtemp(join(tmpdir(), "holdfast-wrong-wire-"));
  store = await RealStore.start({ data, clock, limits: { idleTimeoutMs: 2000, lingerMs: 200 } });
  assert.equal((await send({ method: "PUT", path: "/bucket" })).status, 200);
  assert.equal((await send({ method: "PUT", path: "/bucket/kept", body: "kept" })).status, 200);
});
after(async () => {
  await store.stop();
  await rm(data, { recursive: true, force: true });
});

async function onlyKept(): Promise<void> {
  const listed = await send({ path: "/bucket", query: "list-type=2" });
  assert.deepEqual(
    [...listed.text.matchAll(/<Key>([^<]*)<\/Key>/g)].map((match) => match[1]),
    ["kept"],
  );
}

async function refused(sent: Sent, status: number, code: string): Promise<void> {
  const answer = await send(sent);
  assert.equal(`${answer.status} ${answer.code}`, `${status} ${code}`, answer.text);
}

/** What comes back when these bytes are sent and the sender then ends its side. */
async function statusesOf(bytes: string): Promise<readonly number[]> {
  const connection = await RawConnection.open(store.s3Port);
  await connection.send(Buffer.from(bytes, "latin1"));
  connection.end();
  await connection.closed();
  return connection.statuses;
}

describe("heads", () => {
  const put = (lines: string, body: string): string => {
    const head = headOf(store.s3Port, {
      method: "PUT",
      path: "/bucket/new",
      payloadHash: "UNSIGNED-PAYLOAD",
    });
    return `${head.slice(0, -2)}${lines}\r\n${body}`;
  };
  const cases: readonly (readonly [string, () => string, readonly number[]])[] = [
    ["two lengths", () => put("content-length: 4\r\ncontent-length: 5\r\n", "body!"), [400]],
    ["the same length twice", () => put("content-length: 4, 4\r\n", "body"), [400]],
    [
      "a length and chunks",
      () => put("content-length: 4\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"),
      [400],
    ],
    [
      "chunks that are not the last coding",
      () => put("transfer-encoding: chunked, gzip\r\n", "0\r\n\r\n"),
      [400],
    ],
    ["an unknown coding", () => put("transfer-encoding: gzip\r\n", "body"), [411]],
    ["a negative length", () => put("content-length: -1\r\n", ""), [400]],
    ["a length with a sign", () => put("content-length: +4\r\n", "body"), [400]],
    ["a length beyond all bounds", () => put("content-length: 99999999999999999999\r\n", "body"), [400]],
    ["a length beyond the largest body", () => put("content-length: 9007199254740993\r\n", "body"), [400]],
    ["a folded header", () => put("x-a: b\r\n c\r\ncontent-length: 4\r\n", "body"), [400]],
    ["a space before the colon", () => put("content-length : 4\r\n", "body"), [400]],
    ["a bare line feed", () => put("x-a: b\ncontent-length: 4\r\n", "body"), [400]],
    ["a bare carriage return", () => put("x-a: b\rcontent-length: 4\r\n", "body"), [400]],
    ["a zero byte", () => put("x-a: \0\r\ncontent-length: 4\r\n", "body"), [400]],
    ["a header without a name", () => put(": b\r\ncontent-length: 4\r\n", "body"), [400]],
    ["headers without end", () => put("x-a: b\r\n".repeat(10_000), ""), [431]],
    ["one huge header", () => put(`x-a: ${"b".repeat(50_000)}\r\n`, ""), [431]],
    ["a huge query", () => `GET /bucket?${"q".repeat(50_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, [431]],
    ["HTTP/0.9, which cannot be signed", () => "GET /bucket\r\n\r\n", [403]],
    ["HTTP/2's preface", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]],
    ["an unknown method", () => "BREW /bucket HTTP/1.1\r\nhost: x\r\n\r\n", [400]],
    ["no host", () => "GET /bucket HTTP/1.1\r\n\r\n", [400]],
    [
      "a method of S3 that is none",
      () => headOf(store.s3Port, { method: "PATCH", path: "/bucket/new" }),
      [405],
    ],
    ["TLS", () => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400]],
  ];
  for (const [name, bytes, statuses] of cases) {
    test(`${name}: refused`, async () => {
      assert.deepEqual(await statusesOf(bytes()), statuses);
      await onlyKept();
    });
  }

  test("chunk sizes and extensions: what is malformed or huge is refused, never stored", async () => {
    const sized = (chunks: string): string =>
      put("x-amz-decoded-content-length: 4\r\ntransfer-encoding: chunked\r\n", chunks);
    for (const chunks of [
      "zz\r\nbody\r\n0\r\n\r\n",
      "-4\r\nbody\r\n0\r\n\r\n",
      "0x4\r\nbody\r\n0\r\n\r\n",
      "ffffffffffffffffff\r\nbody\r\n0\r\n\r\n",
      `4;${"e".repeat(20_000)}\r\nbody\r\n0\r\n\r\n`,
      "4\nbody\n0\n\n",
      "4\r\nbodyX\r\n0\r\n\r\n",
    ]) {
      const statuses = await statusesOf(sized(chunks));
      assert.ok(
        statuses.length === 1 && (statuses[0] ?? 0) >= 400 && (statuses[0] ?? 0) < 500,
        `${chunks}: ${statuses.join(" ")}`,
      );
    }
    await onlyKept();
  });
});

describe("names", () => {
  const refusedPaths: readonly (readonly [string, string])[] = [
    ["bytes that are not UTF-8", "%ff"],
    ["raw bytes that are not UTF-8", "\xff\xfe"],
    ["a broken escape", "%"],
    ["half an escape", "%4"],
    ["an escape of letters", "%zz"],
    ["an overlong slash", "%c0%af"],
    ["an overlong zero", "%c0%80"],
    ["a surrogate", "%ed%a0%80"],
    ["a pair of surrogates", "%ed%a0%bd%ed%b8%80"],
    ["beyond the last character", "%f4%90%80%80"],
    ["a sequence that breaks off", "%e2%82"],
  ];
  for (const [name, key] of refusedPaths) {
    test(`${name}: refused with 400`, async () => {
      const head = headOf(store.s3Port, {
        method: "PUT",
        path: `/bucket/${key}`,
        headers: { "content-length": "0" },
      });
      assert.deepEqual(await statusesOf(head), [400]);
      await onlyKept();
    });
  }

  test("every character that a name may have comes back as it was", async () => {
    const keys = [
      "a b",
      "a+b",
      "%2F",
      "..",
      "a//b",
      "/",
      "ä/€/𝄞",
      "\u0001",
      "\u{feff}x",
      "e\u0301",
      "é",
      "\u{10ffff}",
    ];
    for (const key of keys) {
      const path = `/bucket/${encodeURIComponent(key)}`;
      assert.equal((await send({ method: "PUT", path, body: key })).status, 200, key);
      assert.equal(Buffer.from((await send({ path })).text, "latin1").toString(), key);
      const listed = await send({
        path: "/bucket",
        query: `encoding-type=url&list-type=2&prefix=${encodeURIComponent(key)}`,
      });
      const found = [...listed.text.matchAll(/<Key>([^<]*)<\/Key>/g)].map((match) =>
        decodeURIComponent(match[1] ?? ""),
      );
      assert.ok(found.includes(key), `${key}: ${listed.text}`);
      assert.equal((await send({ method: "DELETE", path })).status, 204);
    }
    await onlyKept();
  });
});

describe("documents", () => {
  const remove = (body: string | Uint8Array): Promise<Answered> => {
    const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
    return send({ method: "POST", path: "/bucket", query: "delete=", headers, body });
  };
  const target = "<Object><Key>kept</Key></Object>";
  const entities = `<!DOCTYPE d [<!ENTITY a "lol">${Array.from({ length: 9 }, (_, i) => `<!ENTITY a${i} "${`&a${i === 0 ? "" : i - 1};`.repeat(10)}">`).join("")}]>`;
  const cases: readonly (readonly [string, string | Uint8Array])[] = [
    ["an entity bomb", `${entities}<Delete><Object><Key>&a8;</Key></Object></Delete>`],
    ["a document type without use", `<!DOCTYPE Delete><Delete>${target}</Delete>`],
    [
      "an external entity",
      `<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>`,
    ],
    ["an external subset", `<!DOCTYPE d SYSTEM "http://127.0.0.1:1/d.dtd"><Delete>${target}</Delete>`],
    ["deep nesting", `${"<Delete>".repeat(50_000)}${"</Delete>".repeat(50_000)}`],
    ["elements without end", `<Delete>${"<Object/>".repeat(150_000)}</Delete>`],
    ["a key twice", "<Delete><Object><Key>kept</Key><Key>other</Key></Object></Delete>"],
    ["another root", `<Remove>${target}</Remove>`],
    ["two roots", `<Delete>${target}</Delete><Delete>${target}</Delete>`],
    ["text behind the root", `<Delete>${target}</Delete>x`],
    ["an element that does not end", `<Delete>${target}`],
    ["crossed elements", "<Delete><Object><Key>kept</Object></Key></Delete>"],
    ["a forbidden character", "<Delete><Object><Key>&#0;</Key></Object></Delete>"],
    ["a surrogate by number", "<Delete><Object><Key>&#xD800;</Key></Object></Delete>"],
    ["an unknown entity", "<Delete><Object><Key>&nbsp;</Key></Object></Delete>"],
    ["bytes that are not UTF-8", Buffer.from(`<Delete><Object><Key>\xff</Key></Object></Delete>`, "latin1")],
    ["UTF-16", Buffer.from(`\u{feff}<Delete>${target}</Delete>`, "utf16le")],
    ["nothing", ""],
  ];
  for (const [name, body] of cases) {
    test(`${name}: refused, and nothing is deleted`, async () => {
      const answer = await remove(body);
      assert.equal(`${answer.status} ${answer.code}`, "400 MalformedXML", answer.text.slice(0, 500));
      await onlyKept();
    });
  }

  test("a document beyond the bound is refused before it is read", async () => {
    const answer = await remove(`<Delete>${" ".repeat(3 << 20)}</Delete>`);
    assert.equal(`${answer.status} ${answer.code}`, "400 MaxMessageLengthExceeded");
    const connection = await RawConnection.open(store.s3Port);
    const headers = { "content-length": String(2 ** 40) };
    await connection.send(
      headOf(store.s3Port, {
        method: "POST",
        path: "/bucket",
        query: "delete=",
        headers,
        payloadHash: "UNSIGNED-PAYLOAD",
      }),
    );
    await connection.received(/^HTTP\/1\.1 400 /);
    connection.destroy();
    await onlyKept();
  });

  test("a byte order mark, a namespace, a comment and CDATA are taken as XML says", async () => {
    await send({ method: "PUT", path: "/bucket/gone", body: "x" });
    const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
    const answer = await remove(
      `\u{feff}<?xml version="1.0" encoding="UTF-8"?><!-- c --><Delete ${namespace}><Object><Key><![CDATA[gone]]></Key></Object></Delete>`,
    );
    assert.equal(answer.status, 200, answer.text);
    await onlyKept();
  });
});

describe("clocks and signed URLs", () => {
  test("a client 16 minutes off is refused with the reason, one 14 minutes off is not", async () => {
    for (const sign of [1, -1]) {
      const at = (minutes: number): number => Date.now() + sign * minutes * minuteMs;
      await refused({ path: "/bucket/kept", wallMs: at(16) }, 403, "RequestTimeTooSkewed");
      assert.equal((await send({ path: "/bucket/kept", wallMs: at(14) })).text, "kept");
    }
  });

  test("a signed URL is good until it expires, and not before it is valid", async () => {
    const get = async (wallMs: number, expiresSeconds: number): Promise<Answered> => {
      const query = presignedQuery(store.s3Port, { path: "/bucket/kept", wallMs }, expiresSeconds);
      return askWith(store.s3Port, { path: "/bucket/kept", query }, {});
    };
    assert.equal((await get(Date.now(), 60)).text, "kept");
    const expired = await get(Date.now() - 61_000, 60);
    assert.equal(`${expired.status} ${expired.code}`, "403 AccessDenied");
    assert.match(expired.text, /expired/);
    const early = await get(Date.now() + 16 * minuteMs, 60);
    assert.equal(`${early.status} ${early.code}`, "403 AccessDenied");
    assert.match(early.text, /not valid yet/);
  });

  test("a signed URL that was changed is refused, whatever part of it", async () => {
    const query = presignedQuery(store.s3Port, { method: "PUT", path: "/bucket/new" }, 60);
    const use = (path: string, changed: string): Promise<Answered> =>
      askWith(store.s3Port, { method: "PUT", path, query: changed, body: "x" }, {});
    const changes: readonly (readonly [string, string])[] = [
      ["/bucket/other", query],
      ["/bucket/new", query.replace("X-Amz-Expires=60", "X-Amz-Expires=600")],
      [
        "/bucket/new",
        query.replace(
          /X-Amz-Date=(\d{8}T\d{5})(\d)/,
          (_, start, digit) => `X-Amz-Date=${start}${(Number(digit) + 1) % 10}`,
        ),
      ],
      ["/bucket/new", query.replace(/Signature=(.)/, (_, digit) => `Signature=${digit === "0" ? "1" : "0"}`)],
      ["/bucket/new", `${query}&uploadId=x&partNumber=1`],
      ["/bucket/new", query.replace("X-Amz-Expires=60", "X-Amz-Expires=604801")],
      ["/bucket/new", query.replace("X-Amz-Expires=60", "X-Amz-Expires=-1")],
      ["/bucket/new", query.replace(/&X-Amz-Expires=60/, "")],
    ];
    for (const [path, changed] of changes) {
      const answer = await use(path, changed);
      assert.ok(answer.status === 403 || answer.status === 400, `${changed}: ${answer.status}`);
    }
    await onlyKept();
    assert.equal((await use("/bucket/new", query)).status, 200);
    assert.equal((await send({ method: "DELETE", path: "/bucket/new" })).status, 204);
  });

  test("the server's clock jumps while a body is on its way: it is stored, its dates never go back, and timers go on", async (t) => {
    t.after(() => {
      skewMs = 0;
    });
    /** Past the signature, and waiting for its body of two bytes. */
    const begun = async (path: string): Promise<RawConnection> => {
      const headers = { "content-length": "2", expect: "100-continue" };
      const sent = {
        method: "PUT",
        path,
        headers,
        payloadHash: "UNSIGNED-PAYLOAD",
        wallMs: Date.now() + skewMs,
      };
      const connection = await RawConnection.open(store.s3Port);
      await connection.send(headOf(store.s3Port, sent));
      await connection.received(/^HTTP\/1\.1 100 /);
      return connection;
    };
    const dates: number[] = [];
    for (const jumpMs of [0, 3_600_000, -7_200_000, 86_400_000, 0]) {
      const connection = await begun("/bucket/jump");
      skewMs = jumpMs;
      await connection.send("ab");
      await connection.received(/HTTP\/1\.1 200 /);
      connection.destroy();
      const head = await send({ method: "HEAD", path: "/bucket/jump", wallMs: Date.now() + skewMs });
      dates.push(Date.parse(String(head.headers["last-modified"])));
    }
    assert.deepEqual(
      dates,
      [...dates].sort((a, b) => a - b),
    );
    // The idle timeout is monotonic: a body that stops is given up in two seconds, whatever the wall says.
    const silent = await begun("/bucket/silent");
    skewMs = -86_400_000;
    await silent.received(/<Code>RequestTimeout<\/Code>/);
    silent.destroy();
    skewMs = 0;
    assert.equal((await send({ method: "DELETE", path: "/bucket/jump" })).status, 204);
    await onlyKept();
  });

  test("a header that the signature does not cover is refused when it means something", async () => {
    const headers = { ...signedHeaders(store.s3Port, { path: "/bucket/kept" }), "x-amz-meta-a": "b" };
    const answer = await askWith(store.s3Port, { path: "/bucket/kept" }, headers);
    assert.equal(`${answer.status} ${answer.code}`, "403 AccessDenied");
  });
});
