import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { suite, test } from "node:test";
import { utf8, utf8Text } from "@holdfast/base";
import type { Clock } from "@holdfast/ports";
import { allMetrics, emptyBody, NetworkError, sleep, turn } from "@holdfast/ports";
import { RecordingReceiver } from "@holdfast/ports/contract";
import { RecordingMetrics } from "@holdfast/ports/simulated";
import type { OpenedNetwork } from "../../test-support/network-nodes.ts";
import { nodeA, nodeB, openTestNetwork, within } from "../../test-support/network-nodes.ts";
import { TcpProxy } from "../../test-support/tcp-proxy.ts";
import { realClock } from "../clock.ts";
import type { OpenNetworkOptions } from "./host-network.ts";

interface Node extends OpenedNetwork {
  readonly receiver: RecordingReceiver;
}

async function open(
  t: TestContext,
  options: Partial<OpenNetworkOptions> & { self: typeof nodeA },
): Promise<Node> {
  const opened = await openTestNetwork(t, { security: "none", ...options });
  const receiver = new RecordingReceiver();
  opened.network.listen(receiver);
  return { ...opened, receiver };
}

const portOf = (address: string): number => Number(address.split(":")[1]);
const events = ({ journal }: Node, event: string): number =>
  journal.lines.filter((line) => line.event === event).length;

suite("the connection to a peer", () => {
  test("is not taken over by another process of the same identity, which is told of it, and goes to it when the first has gone", async (t) => {
    const limits = { aliveIntervalMs: 20, reconnectMsMin: 5, reconnectMsMax: 20, twinMs: 200 };
    const b = await open(t, { self: nodeB, limits });
    b.network.setPeers([{ id: nodeA, address: "127.0.0.1:1" }]);
    const toB = [{ id: nodeB, address: b.network.address }];
    const first = await open(t, { self: nodeA, limits });
    first.network.setPeers(toB);
    await within(5000, "a connection", first.receiver.untilHeard("connect"));

    const copy = await openTestNetwork(t, { self: nodeA, security: "none", limits });
    const [told, up] = [Promise.withResolvers<string>(), Promise.withResolvers<void>()];
    copy.network.listen({
      onConnect: () => up.resolve(),
      onTwin: (peer) => told.resolve(peer),
      onFrame: () => undefined,
      onDisconnect: () => undefined,
      onExchange: () => Promise.reject(new Error("nobody asks it")),
    });
    copy.network.setPeers(toB);
    assert.equal(await within(5000, "the copy is told", told.promise), nodeB);
    assert.equal(first.receiver.count("disconnect"), 0);
    assert.match(
      String(copy.journal.lines.find(({ event }) => event === "network.unreachable")?.fields["message"]),
      /^another process is connected as this node, node aaaaaaaaaaaaaaaa: stop one of the two$/,
    );
    await first.network.close();
    await within(5000, "the copy is let in", up.promise);
  });

  test("a path that is gone without a word is noticed by both, and ends their exchanges", async (t) => {
    const limits = { aliveIntervalMs: 20, silentIntervalsMax: 5 };
    const b = await open(t, { self: nodeB, limits });
    const proxy = await TcpProxy.listen(() => portOf(b.network.address));
    t.after(() => proxy.close());
    const a = await open(t, { self: nodeA, limits });
    const [asked, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    b.receiver.answer = (_, __, signal) => {
      asked.resolve();
      signal.addEventListener("abort", () => told.resolve());
      return new Promise(() => undefined);
    };
    b.network.setPeers([{ id: nodeA, address: "127.0.0.1:1" }]);
    a.network.setPeers([{ id: nodeB, address: proxy.address }]);
    await within(
      5000,
      "a connection",
      Promise.all([a.receiver.untilHeard("connect"), b.receiver.untilHeard("connect")]),
    );
    // Idle for much longer than a peer may be silent: the signs of life keep it.
    const relayed = proxy.relayedCount;
    await within(
      5000,
      "signs of life",
      proxy.until(() => proxy.relayedCount >= relayed + 40),
    );
    assert.equal(a.receiver.count("disconnect") + b.receiver.count("disconnect"), 0);
    const answer = a.network.exchange(nodeB, { head: utf8("x"), body: emptyBody });
    const broken = assert.rejects(
      answer,
      (error) => error instanceof NetworkError && error.kind === "broken",
    );
    await within(5000, "the request", asked.promise);
    proxy.swallow();
    await within(
      5000,
      "both notice",
      Promise.all([a.receiver.untilHeard("disconnect"), b.receiver.untilHeard("disconnect")]),
    );
    await within(5000, "the exchange ends on both sides", Promise.all([broken, told.promise]));
  });

  test("a node that restarts is connected again, whichever of the two it is", async (t) => {
    for (const restarted of [nodeA, nodeB]) {
      const limits = { reconnectMsMin: 5, reconnectMsMax: 20 };
      const stays = await open(t, { self: restarted === nodeA ? nodeB : nodeA, limits });
      let other = await open(t, { self: restarted, limits });
      const port = portOf(other.network.address);
      const introduce = (): void => {
        stays.network.setPeers([{ id: restarted, address: other.network.address }]);
        other.network.setPeers([{ id: stays.network.self, address: stays.network.address }]);
      };
      introduce();
      for (let i = 1; i <= 3; i++) {
        await within(5000, "a connection", stays.receiver.untilHeard("connect", i));
        await within(5000, "a connection", other.receiver.untilHeard("connect"));
        assert.ok(other.network.send(stays.network.self, utf8(`${i}`)));
        await within(5000, "a frame", stays.receiver.untilHeard("frame", i));
        await other.network.close();
        await within(5000, "its end", stays.receiver.untilHeard("disconnect", i));
        other = await open(t, { self: restarted, port, limits });
        introduce();
      }
      assert.deepEqual(stays.receiver.frames.map(utf8Text), ["1", "2", "3"]);
    }
  });

  test("one that had lasted is made anew at once, without the pause that failures bring", async (t) => {
    let aheadMs = 0;
    const clock: Clock = { ...realClock, monotonicMs: () => realClock.monotonicMs() + aheadMs };
    const limits = { reconnectMsMin: 60_000, reconnectMsMax: 60_000 };
    const b = await open(t, { self: nodeB });
    const proxy = await TcpProxy.listen(() => portOf(b.network.address));
    t.after(() => proxy.close());
    const a = await open(t, { self: nodeA, clock, limits });
    b.network.setPeers([{ id: nodeA, address: "127.0.0.1:1" }]);
    a.network.setPeers([{ id: nodeB, address: proxy.address }]);
    await within(5000, "a connection", a.receiver.untilHeard("connect"));
    aheadMs = 60_000;
    proxy.cut();
    await within(5000, "a connection at once", a.receiver.untilHeard("connect", 2));
    assert.deepEqual(
      a.receiver.heard.map(({ kind }) => kind),
      ["connect", "disconnect", "connect"],
    );
  });

  test("a node that is away is called again and again, is journaled once, and counted", async (t) => {
    const metrics = new RecordingMetrics();
    // It is called, and hangs up.
    const proxy = await TcpProxy.listen(() => 1);
    t.after(() => proxy.close());
    const a = await open(t, { self: nodeA, metrics, limits: { reconnectMsMin: 1, reconnectMsMax: 5 } });
    a.network.setPeers([{ id: nodeB, address: proxy.address }]);
    await within(
      5000,
      "ten attempts",
      proxy.until(() => proxy.acceptedCount > 10),
    );
    assert.ok(((await metrics.value(allMetrics.networkConnectFailures, {})) ?? 0) >= 10);
    assert.equal(events(a, "network.unreachable"), 1);
    assert.equal(await metrics.value(allMetrics.networkPeers, {}), 1);
    assert.equal(await metrics.value(allMetrics.networkConnectedPeers, {}), 0);
  });

  test("frames, bytes, drops and exchanges are counted", async (t) => {
    const metrics = new RecordingMetrics();
    const b = await open(t, { self: nodeB });
    const a = await open(t, { self: nodeA, metrics, limits: { queueBytesMax: 100 } });
    b.network.setPeers([{ id: nodeA, address: a.network.address }]);
    a.network.setPeers([{ id: nodeB, address: b.network.address }]);
    await within(
      5000,
      "a connection",
      Promise.all([a.receiver.untilHeard("connect"), b.receiver.untilHeard("connect")]),
    );
    assert.deepEqual(
      [50, 200, 30, 40].map((length) => a.network.send(nodeB, new Uint8Array(length))),
      [true, false, true, false],
    );
    b.network.send(nodeA, new Uint8Array(7));
    await within(
      5000,
      "frames",
      Promise.all([a.receiver.untilHeard("frame"), b.receiver.untilHeard("frame", 2)]),
    );
    for await (const chunk of (await a.network.exchange(nodeB, { head: utf8("x"), body: emptyBody })).body)
      assert.equal(chunk.length, 0);
    b.receiver.answer = () => Promise.reject(new Error("mine"));
    await assert.rejects(a.network.exchange(nodeB, { head: utf8("x"), body: emptyBody }), NetworkError);
    const value = (metric: Parameters<typeof metrics.value>[0], labels = {}): Promise<number | undefined> =>
      metrics.value(metric, labels);
    assert.equal(await value(allMetrics.networkFrames, { direction: "sent" }), 2);
    assert.equal(await value(allMetrics.networkFrameBytes, { direction: "sent" }), 80);
    assert.equal(await value(allMetrics.networkFrameBytes, { direction: "received" }), 7);
    assert.equal(await value(allMetrics.networkDroppedFrames), 2);
    assert.equal(await value(allMetrics.networkConnectedPeers), 1);
    assert.equal(await value(allMetrics.networkExchanges, { side: "asked", outcome: "whole" }), 1);
    assert.equal(await value(allMetrics.networkExchanges, { side: "asked", outcome: "broken" }), 1);
    assert.equal(await value(allMetrics.networkExchangesInFlight, { side: "asked" }), 0);
    assert.equal(events(b, "network.exchange.failed"), 1);
  });

  test("a connection for exchanges is used again, and closed when it was idle; a slow answer is not idle", async (t) => {
    const b = await open(t, { self: nodeB });
    const proxy = await TcpProxy.listen(() => portOf(b.network.address));
    t.after(() => proxy.close());
    const a = await open(t, { self: nodeA, limits: { exchangeIdleMs: 100 } });
    b.network.setPeers([{ id: nodeA, address: "127.0.0.1:1" }]);
    a.network.setPeers([{ id: nodeB, address: proxy.address }]);
    await within(5000, "a connection", a.receiver.untilHeard("connect"));
    b.receiver.answer = async (_, { head }) => {
      await sleep(realClock, 400);
      return { head, body: emptyBody };
    };
    for (let i = 0; i < 2; i++) {
      const { body } = await a.network.exchange(nodeB, { head: utf8("x"), body: emptyBody });
      for await (const chunk of body) assert.equal(chunk.length, 0);
      assert.equal(proxy.connectionsCount, 2);
    }
    await within(
      5000,
      "the connection for frames alone",
      proxy.until(() => proxy.connectionsCount === 1),
    );
  });

  test("an answer that comes before its request was read gives the turn and the connection back", async (t) => {
    const b = await open(t, { self: nodeB });
    const a = await open(t, { self: nodeA, limits: { exchangesMax: 1 } });
    b.network.setPeers([{ id: nodeA, address: a.network.address }]);
    a.network.setPeers([{ id: nodeB, address: b.network.address }]);
    await within(5000, "a connection", a.receiver.untilHeard("connect"));
    const [taken, nothingMore] = [Promise.withResolvers<void>(), Promise.withResolvers<never>()];
    // Fits the sockets' buffers and not what is read ahead: sent, and never read.
    async function* sent(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 16; i++) yield new Uint8Array(64 * 1024);
      taken.resolve();
    }
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1);
      await nothingMore.promise;
    }
    b.receiver.answer = async (_, { head }) => {
      await taken.promise;
      // Lets arrive what arrives.
      for (let i = 0; i < 100; i++) await turn(realClock);
      return { head, body: emptyBody };
    };
    for (const body of [sent(), emptyBody, endless(), emptyBody]) {
      const asked = a.network.exchange(nodeB, { head: utf8("x"), body });
      const answer = await within(5000, "an answer", asked);
      for await (const chunk of answer.body) assert.equal(chunk.length, 0);
    }
  });

  test("exchanges beyond the bound wait for their turn; beyond that they are refused", async (t) => {
    const b = await open(t, { self: nodeB });
    const proxy = await TcpProxy.listen(() => portOf(b.network.address));
    t.after(() => proxy.close());
    const a = await open(t, { self: nodeA, limits: { exchangesMax: 2, exchangesWaitingMax: 3 } });
    b.network.setPeers([{ id: nodeA, address: "127.0.0.1:1" }]);
    a.network.setPeers([{ id: nodeB, address: proxy.address }]);
    let underWay = 0;
    let most = 0;
    const go = Promise.withResolvers<void>();
    b.receiver.answer = async (_, { head }) => {
      most = Math.max(most, ++underWay);
      await go.promise;
      underWay--;
      return { head, body: emptyBody };
    };
    const ask = async (signal?: AbortSignal): Promise<string> => {
      try {
        const { body } = await a.network.exchange(nodeB, { head: utf8("x"), body: emptyBody }, signal);
        for await (const chunk of body) assert.equal(chunk.length, 0);
        return "answered";
      } catch (error) {
        return error instanceof NetworkError ? error.kind : String(error);
      }
    };
    const abort = new AbortController();
    const asked = [ask(), ask(), ask(), ask(), ask(abort.signal), ask()];
    assert.equal(await asked[5], "refused");
    abort.abort();
    assert.equal(await asked[4], "aborted");
    go.resolve();
    const outcomes = await within(5000, "all answers", Promise.all(asked.slice(0, 4)));
    assert.deepEqual(outcomes, ["answered", "answered", "answered", "answered"]);
    assert.ok(most <= 2);
    // One connection is for frames.
    assert.ok(proxy.connectionsCount <= 3, `${proxy.connectionsCount} connections`);
  });
});
