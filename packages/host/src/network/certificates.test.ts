import assert from "node:assert/strict";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { before, suite, test } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { createServer, TLSSocket } from "node:tls";
import type { NodeId } from "@holdfast/base";
import { nodeId, utf8 } from "@holdfast/base";
import type { Clock } from "@holdfast/ports";
import { emptyBody, NetworkError } from "@holdfast/ports";
import { RecordingReceiver } from "@holdfast/ports/contract";
import type { CollectingJournal } from "@holdfast/ports/simulated";
import {
  clusterId,
  credentialsFor,
  makeAuthority,
  nodeA,
  nodeB,
  openTestNetwork,
  within,
} from "../../test-support/network-nodes.ts";
import { frameBytes, RawPeer } from "../../test-support/raw-peer.ts";
import { CertificateError } from "../authority/certificate-error.ts";
import type { ClusterAuthority } from "../authority/cluster-authority.ts";
import type { NodeCredentials } from "../authority/node-credentials.ts";
import { expiresAtMs } from "../authority/node-credentials.ts";
import { realClock } from "../clock.ts";
import { encodeHello, preface } from "./frame-format.ts";
import type { HostNetwork } from "./host-network.ts";

const nodeC = nodeId("cccccccccccccccc");
const shifted = (byMs: number): Clock => ({ ...realClock, wallMs: () => realClock.wallMs() + byMs });

let authority: ClusterAuthority;
/** By what is wrong with them; all of node A but "another node's". */
const bad = new Map<string, NodeCredentials>();
let good: NodeCredentials;
let goodB: NodeCredentials;

before(async () => {
  authority = await makeAuthority();
  good = await credentialsFor(authority, nodeA);
  goodB = await credentialsFor(authority, nodeB);
  // They trust who is right, but cannot show that they belong to it.
  const trusting = async (
    other: ClusterAuthority,
    node: NodeId,
    validMs?: number,
  ): Promise<NodeCredentials> => ({
    ...(await credentialsFor(other, node, validMs)),
    authority: authority.certificate,
  });
  bad.set("unknown-authority", await trusting(await makeAuthority(), nodeA));
  bad.set("other-cluster", await trusting(await makeAuthority("another"), nodeA));
  // They are valid from an hour before they were made.
  bad.set("expired", await credentialsFor(authority, nodeA, -30 * 60 * 1000));
  bad.set("another node's", await credentialsFor(authority, nodeC));
});

function isRefusedAs(reason: string, journal: CollectingJournal): void {
  const reasons = journal.lines.filter(({ event }) => event === "network.connection.refused");
  assert.deepEqual(
    reasons.map(({ fields }) => fields["reason"]),
    [reason],
  );
}

interface Opened {
  readonly network: HostNetwork;
  readonly journal: CollectingJournal;
  readonly receiver: RecordingReceiver;
}

async function open(t: TestContext, self: NodeId, security: NodeCredentials): Promise<Opened> {
  const limits = { reconnectMsMin: 1, reconnectMsMax: 20, helloTimeoutMs: 1000 };
  const opened = await openTestNetwork(t, { self, security, limits });
  const receiver = new RecordingReceiver();
  opened.network.listen(receiver);
  return { ...opened, receiver };
}

/** Node B, which knows A. */
async function openB(t: TestContext, security: NodeCredentials = goodB): Promise<Opened> {
  const opened = await open(t, nodeB, security);
  opened.network.setPeers([{ id: nodeA, address: "127.0.0.1:1" }]);
  return opened;
}

function shown({ certificate, key }: NodeCredentials, protocol = "holdfast-frames/1"): ConnectionOptions {
  return { cert: certificate, key, ALPNProtocols: [protocol], minVersion: "TLSv1.3" };
}

suite("who calls is known by its certificate", () => {
  for (const reason of ["unknown-authority", "other-cluster", "expired"])
    test(`${reason}: refused before a byte counts, for frames and for exchanges`, async (t) => {
      const { network, journal, receiver } = await openB(t);
      const credentials = bad.get(reason);
      assert.ok(credentials);
      for (const protocol of ["holdfast-frames/1", "http/1.1"]) {
        const raw = RawPeer.tls(t, network.address, shown(credentials, protocol));
        raw.write(preface(), frameBytes("hello", encodeHello({ clusterId, node: nodeA, incarnation: "1" })));
        assert.equal(await raw.untilClosed(), "");
      }
      isRefusedAs(reason, journal);
      assert.equal(receiver.heard.length, 0);
    });

  test("no certificate: refused", async (t) => {
    const { network, journal } = await openB(t);
    const raw = RawPeer.tls(t, network.address, { ALPNProtocols: ["holdfast-frames/1"] });
    assert.equal(await raw.untilClosed(), "");
    isRefusedAs("no-certificate", journal);
  });

  test("a plain TCP connection, and an older TLS: refused", async (t) => {
    const { network, journal } = await openB(t);
    const plain = RawPeer.plain(t, network.address);
    plain.write(preface(), utf8("hello"));
    await plain.untilClosed();
    await RawPeer.tls(t, network.address, {
      ...shown(good),
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.2",
    }).untilClosed();
    isRefusedAs("no-tls", journal);
  });

  test("a handshake that does not get on is cut off", async (t) => {
    const { network, journal } = await openB(t);
    const raw = RawPeer.plain(t, network.address);
    // The beginning of a record, and never the rest.
    raw.write(Uint8Array.of(0x16, 3, 1));
    await raw.untilClosed();
    isRefusedAs("no-tls", journal);
  });

  test("a protocol that is not spoken here: refused", async (t) => {
    const { network, journal } = await openB(t);
    const { ALPNProtocols: _, ...noProtocol } = shown(good);
    await RawPeer.tls(t, network.address, noProtocol).untilClosed();
    isRefusedAs("no-protocol", journal);
  });

  test("a hello in another's name is refused, whatever the certificate is good for", async (t) => {
    const { network, journal, receiver } = await openB(t);
    const credentials = bad.get("another node's");
    assert.ok(credentials);
    const raw = RawPeer.tls(t, network.address, shown(credentials));
    raw.write(preface(), frameBytes("hello", encodeHello({ clusterId, node: nodeA, incarnation: "1" })));
    assert.match(await raw.untilClosed(), /the hello is of node a+, the certificate of c+/);
    isRefusedAs("refused", journal);
    assert.equal(receiver.heard.length, 0);
  });

  test("the asker of an exchange is who its certificate says, not who the request says", async (t) => {
    const { network, journal } = await openB(t);
    const credentials = bad.get("another node's");
    assert.ok(credentials);
    const raw = RawPeer.tls(t, network.address, shown(credentials, "http/1.1"));
    const lines = `POST /exchange/1 HTTP/1.1\r\nhost: x\r\nholdfast-cluster: ${clusterId}\r\nholdfast-node: ${nodeA}`;
    raw.write(utf8(`${lines}\r\ncontent-length: 4\r\n\r\n\0\0\0\0`));
    assert.match(await raw.untilClosed(), /^HTTP\/1.1 403/);
    isRefusedAs("not-a-peer", journal);
  });

  test("a session is not resumed: each connection shows its certificate anew", async (t) => {
    const { network } = await openB(t);
    const sessions: Buffer[] = [];
    for (let i = 0; i < 2; i++) {
      const [session] = sessions;
      const raw = RawPeer.tls(t, network.address, {
        ...shown(good),
        ...(session === undefined ? {} : { session }),
      });
      raw.socket.on("session", (each: Buffer) => sessions.push(each));
      raw.write(preface(), frameBytes("hello", encodeHello({ clusterId, node: nodeA, incarnation: "1" })));
      await within(5000, "the hello", once(raw.socket, "data"));
      assert.ok(raw.socket instanceof TLSSocket && !raw.socket.isSessionReused());
    }
    assert.ok(sessions.length > 0);
  });
});

suite("who is called has to be that node", () => {
  /** What node A says of a server at which it calls node B. */
  async function callAt(
    t: TestContext,
    credentials: NodeCredentials,
  ): Promise<{ message: string; received: string }> {
    let received = "";
    const server = createServer({
      cert: credentials.certificate,
      key: credentials.key,
      ALPNProtocols: ["holdfast-frames/1", "http/1.1"],
    });
    server.on("secureConnection", (socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Buffer) => {
        received += chunk.toString("latin1");
      });
    });
    server.on("tlsClientError", () => undefined);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const { network, journal } = await open(t, nodeA, good);
    network.setPeers([{ id: nodeB, address: `127.0.0.1:${port}` }]);
    const error: unknown = await network.exchange(nodeB, { head: utf8("secret"), body: emptyBody }).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    assert.ok(error instanceof NetworkError && error.kind === "refused", String(error));
    await network.close();
    assert.ok(journal.lines.some(({ event }) => event === "network.unreachable"));
    return { message: error.message, received };
  }

  const cases: readonly (readonly [string, RegExp])[] = [
    ["unknown-authority", /not signed by this cluster's authority/],
    ["other-cluster", /one of cluster another, this one is cluster-1/],
    ["expired", /expired on/],
    ["another node's", /node b+ was called, and c+ answered/],
  ];
  for (const [reason, message] of cases)
    test(`${reason}: refused with a clear message, and nothing is sent`, async (t) => {
      const credentials = bad.get(reason);
      assert.ok(credentials);
      const seen = await callAt(t, credentials);
      assert.match(seen.message, message);
      assert.equal(seen.received, "");
    });
});

suite("renewed credentials", () => {
  test("are shown from the next handshake on, and connections stay", async (t) => {
    const b = await openB(t);
    const a = await open(t, nodeA, good);
    a.network.setPeers([{ id: nodeB, address: b.network.address }]);
    await within(
      5000,
      "a connection",
      Promise.all([a.receiver.untilHeard("connect"), b.receiver.untilHeard("connect")]),
    );
    const next = await makeAuthority(clusterId, shifted(1000));
    const both = `${authority.certificate}${next.certificate}`;
    // First all trust both authorities, then each shows what the next one signed.
    for (const [opened, old] of [
      [a, good],
      [b, goodB],
    ] as const)
      opened.network.setCredentials({ ...old, authority: both });
    for (const [opened, node] of [
      [a, nodeA],
      [b, nodeB],
    ] as const)
      opened.network.setCredentials({ ...(await credentialsFor(next, node)), authority: both });
    const answer = await a.network.exchange(nodeB, { head: utf8("x"), body: emptyBody });
    for await (const chunk of answer.body) assert.equal(chunk.length, 0);
    assert.ok(a.network.send(nodeB, utf8("over the old connection")));
    await within(5000, "the frame", b.receiver.untilHeard("frame"));
    assert.equal(a.receiver.count("disconnect"), 0);
    // Who trusts the next authority alone is spoken to, so it is the renewed one that is shown.
    for (const [opened, node] of [
      [a, nodeA],
      [b, nodeB],
    ] as const)
      opened.network.setCredentials(await credentialsFor(next, node));
    a.network.setPeers([]);
    a.network.setPeers([{ id: nodeB, address: b.network.address }]);
    await within(5000, "a connection by new certificates", a.receiver.untilHeard("connect", 2));
  });

  test("that are not this node's are refused, at the start and later, and the old ones go on", async (t) => {
    const { network } = await openB(t);
    const foreign = await credentialsFor(await makeAuthority("another"), nodeB);
    for (const credentials of [
      { ...goodB, key: good.key },
      { ...goodB, key: "nonsense" },
      { ...goodB, certificate: "nonsense" },
      { ...goodB, authority: "" },
      good,
      foreign,
    ]) {
      assert.throws(() => network.setCredentials(credentials), CertificateError);
      await assert.rejects(openTestNetwork(t, { self: nodeB, security: credentials }), CertificateError);
    }
    const raw = RawPeer.tls(t, network.address, shown(good));
    await within(5000, "a handshake", once(raw.socket, "secureConnect"));
  });

  test("say when they expire", async () => {
    const expiresInMs = expiresAtMs(await credentialsFor(authority, nodeA, 60_000)) - Date.now();
    assert.ok(Math.abs(expiresInMs - 60_000) < 10_000, `${expiresInMs}`);
  });
});
