import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { suite, test } from "node:test";
import { StoreError, seededRandom, uniform, utf8 } from "@holdfast/base";
import { allMetrics, frameBytesMax, NetworkError } from "@holdfast/ports";
import { RecordingReceiver } from "@holdfast/ports/contract";
import type { CollectingJournal } from "@holdfast/ports/simulated";
import { RecordingMetrics } from "@holdfast/ports/simulated";
import { clusterId, nodeA, nodeB, openTestNetwork, within } from "../../test-support/network-nodes.ts";
import { frameBytes, RawPeer } from "../../test-support/raw-peer.ts";
import { encodeHello, headBytes, preface } from "./frame-format.ts";
import type { HostNetwork, OpenNetworkOptions } from "./host-network.ts";

const hello = encodeHello({ clusterId, node: nodeA, incarnation: "1" });
const helloOf = (change: Partial<{ clusterId: string; node: typeof nodeA }>): Uint8Array =>
  frameBytes("hello", encodeHello({ clusterId, node: nodeA, incarnation: "1", ...change }));

interface Target {
  readonly network: HostNetwork;
  readonly journal: CollectingJournal;
  readonly receiver: RecordingReceiver;
}

/** Node B, which knows node A. */
async function openTarget(t: TestContext, options: Partial<OpenNetworkOptions> = {}): Promise<Target> {
  const { network, journal } = await openTestNetwork(t, { self: nodeB, security: "none", ...options });
  const receiver = new RecordingReceiver();
  network.listen(receiver);
  network.setPeers([{ id: nodeA, address: "127.0.0.1:1" }]);
  return { network, journal, receiver };
}

function refusals(journal: CollectingJournal): string[] {
  return journal.lines
    .filter(({ event }) => event === "network.connection.refused")
    .map(({ fields }) => String(fields["reason"]))
    .toSorted((a, b) => (a < b ? -1 : 1));
}

/** A peer as it should be is served whatever came before. */
async function stillServes(t: TestContext, { network, receiver }: Target): Promise<void> {
  const { network: peer } = await openTestNetwork(t, { self: nodeA, security: "none" });
  const atPeer = new RecordingReceiver();
  peer.listen(atPeer);
  peer.setPeers([{ id: nodeB, address: network.address }]);
  await within(10_000, "a connection", atPeer.untilHeard("connect"));
  assert.ok(peer.send(nodeB, utf8("hello")));
  await within(10_000, "a frame", receiver.untilHeard("frame"));
}

suite("connections for frames: what is malformed ends them, and nothing else", () => {
  const greeting = [preface(), frameBytes("hello", hello)];
  const message = frameBytes("message", utf8("hello"));
  const tooLong = new Uint8Array(headBytes);
  new DataView(tooLong.buffer).setUint32(0, frameBytesMax + 1);
  tooLong[4] = 3;
  const badChecksum = message.slice();
  badChecksum[7] = (badChecksum[7] ?? 0) ^ 1;
  const cases: readonly (readonly [string, string, readonly Uint8Array[]])[] = [
    ["a message before the hello", "out-of-turn", [preface(), message]],
    ["a second hello", "out-of-turn", [...greeting, frameBytes("hello", hello)]],
    ["a malformed hello", "bad-greeting", [preface(), frameBytes("hello", utf8("hello"))]],
    ["a hello of a kilobyte and more", "too-long", [preface(), frameBytes("hello", new Uint8Array(1025))]],
    ["a frame beyond the bound", "too-long", [...greeting, tooLong]],
    ["a wrong checksum", "bad-checksum", [...greeting, badChecksum]],
    ["a magic that is not ours", "not-holdfast", [utf8("HOLDFISH1")]],
    ["a hello of another cluster", "refused", [preface(), helloOf({ clusterId: "another" })]],
    ["a hello of a node that is not known", "refused", [preface(), helloOf({ node: nodeB })]],
  ];
  for (const [what, reason, bytes] of cases)
    test(`${what}: ended, with a line that says so`, async (t) => {
      const target = await openTarget(t);
      const raw = RawPeer.plain(t, target.network.address);
      raw.write(...bytes);
      await raw.untilClosed();
      assert.deepEqual(refusals(target.journal), [reason]);
      assert.equal(target.receiver.count("frame"), 0);
      await stillServes(t, target);
    });

  test("another version of the protocol is told ours, and why it is refused", async (t) => {
    const target = await openTarget(t);
    const raw = RawPeer.plain(t, target.network.address);
    raw.write(preface(2), utf8("whatever comes in version 2"));
    const answer = await raw.untilClosed();
    assert.ok(answer.startsWith("HOLDFAST\u0001"));
    assert.match(answer, /speaks version 2 .* this node version 1/);
    assert.deepEqual(refusals(target.journal), ["refused"]);
  });

  test("a hello that is refused is told why", async (t) => {
    const target = await openTarget(t);
    const raw = RawPeer.plain(t, target.network.address);
    raw.write(preface(), helloOf({ clusterId: "another" }));
    assert.match(await raw.untilClosed(), /the caller is of cluster another, this node of cluster-1/);
  });

  test("who says hello too slowly, or nothing, is cut off", async (t) => {
    const target = await openTarget(t, { limits: { helloTimeoutMs: 100 } });
    const slow = RawPeer.plain(t, target.network.address);
    const silent = RawPeer.plain(t, target.network.address);
    slow.write(preface().subarray(0, 3));
    await Promise.all([slow.untilClosed(), silent.untilClosed()]);
    assert.deepEqual(refusals(target.journal), ["late-hello", "no-protocol"]);
  });

  test("connections that say nothing are bounded", async (t) => {
    const target = await openTarget(t, { limits: { unknownConnectionsMax: 3 } });
    const quiet = Array.from({ length: 3 }, () => RawPeer.plain(t, target.network.address));
    await Promise.all(quiet.map((raw) => new Promise((resolve) => raw.socket.once("connect", resolve))));
    await RawPeer.plain(t, target.network.address).untilClosed();
    assert.deepEqual(refusals(target.journal), ["too-many"]);
    for (const raw of quiet) raw.socket.destroy();
  });

  test("refusals are all counted, and each reason has one line in a while", async (t) => {
    const metrics = new RecordingMetrics();
    const target = await openTarget(t, { metrics });
    for (let i = 0; i < 5; i++) {
      const raw = RawPeer.plain(t, target.network.address);
      raw.write(utf8("HOLDFISH1"));
      await raw.untilClosed();
    }
    assert.deepEqual(refusals(target.journal), ["not-holdfast"]);
    const labels = { reason: "not-holdfast" };
    assert.equal(await metrics.value(allMetrics.networkRefusedConnections, labels), 5);
  });

  test("random bytes, behind a hello or without one, break nothing", async (t) => {
    const target = await openTarget(t);
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed);
      const raw = RawPeer.plain(t, target.network.address);
      if (seed % 2 === 0) raw.write(...greeting);
      raw.write(utf8("H"), random.bytes(1 + uniform(random, 500)));
      raw.socket.end();
      await raw.untilClosed();
    }
    assert.equal(target.receiver.count("frame"), 0);
    await stillServes(t, target);
  });
});

suite("connections for exchanges: what is malformed", () => {
  const post = (lines: string, body = ""): Uint8Array => utf8(`${lines}\r\n\r\n${body}`);
  const ours = `holdfast-cluster: ${clusterId}\r\nholdfast-node: ${nodeA}`;

  test("no HTTP, an unknown path, another cluster and an unknown node are refused", async (t) => {
    const target = await openTarget(t);
    const statuses: string[] = [];
    for (const bytes of [
      utf8("\u0000\u0001\u0002\u0003 nonsense\r\n\r\n"),
      post(`GET / HTTP/1.1\r\nhost: x\r\n${ours}`),
      post(
        `POST /exchange/1 HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nholdfast-cluster: another\r\nholdfast-node: ${nodeA}`,
      ),
      post(
        `POST /exchange/1 HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nholdfast-cluster: ${clusterId}\r\nholdfast-node: ${nodeB}`,
      ),
    ]) {
      const raw = RawPeer.plain(t, target.network.address);
      raw.write(bytes);
      statuses.push((await raw.untilClosed()).slice(9, 12));
    }
    assert.deepEqual(statuses, ["", "404", "403", "403"]);
  });

  test("a message that is too short for its head, or states one beyond the bound, is broken and reaches nobody", async (t) => {
    const target = await openTarget(t);
    let asked = 0;
    target.receiver.answer = (_, request) => {
      asked++;
      return Promise.resolve(request);
    };
    // Refused for what it states: the rest never comes.
    const tooLong = "\u007f\u007f\u007f\u007fab";
    for (const body of ["", "\u0000\u0000", "\u0000\u0000\u0000\u0005abcd", tooLong]) {
      const bytes = body === tooLong ? 2 ** 31 : body.length;
      const raw = RawPeer.plain(t, target.network.address);
      raw.write(post(`POST /exchange/1 HTTP/1.1\r\nhost: x\r\n${ours}\r\ncontent-length: ${bytes}`, body));
      assert.equal(await raw.untilClosed(), "");
    }
    assert.equal(asked, 0);
  });
});

suite("a network without security", () => {
  test("listens and calls on loopback addresses alone", async (t) => {
    const isRefused = (error: unknown): boolean => error instanceof NetworkError && error.kind === "refused";
    for (const host of ["0.0.0.0", "::", "localhost", "10.0.0.1"])
      await assert.rejects(openTestNetwork(t, { self: nodeA, security: "none", host }), isRefused);
    const { network } = await openTestNetwork(t, { self: nodeA, security: "none" });
    for (const address of ["10.0.0.1:80", "localhost:80", "[2001:db8::1]:80"])
      assert.throws(() => network.setPeers([{ id: nodeB, address }]), isRefused);
    network.setPeers([{ id: nodeB, address: "127.0.0.9:80" }]);
    network.setPeers([{ id: nodeB, address: "[::1]:80" }]);
  });

  test("a port that is taken is said so", async (t) => {
    const { network } = await openTestNetwork(t, { self: nodeA, security: "none" });
    const port = Number(network.address.split(":")[1]);
    await assert.rejects(
      openTestNetwork(t, { self: nodeB, security: "none", port }),
      (error) =>
        error instanceof StoreError && error.code === "Unavailable" && error.message.includes(String(port)),
    );
  });
});
