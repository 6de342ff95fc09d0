import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { NodeId } from "@holdfast/base";
import { nodeId, seededRandom, uniform, utf8, utf8Text } from "@holdfast/base";
import type { NodeUnderTest } from "../../contract/index.ts";
import { networkContract, RecordingReceiver } from "../../contract/index.ts";
import type { Network, Peer } from "../network.ts";
import { emptyBody, NetworkError } from "../network.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";
import type { SimulatedSwitchOptions } from "./simulated-switch.ts";
import { SimulatedSwitch } from "./simulated-switch.ts";
import { Simulation } from "./simulation.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

networkContract("simulated network", () => {
  const simulation = new Simulation({ random: seededRandom(1), drain });
  const queueBytesMax = 1024 * 1024;
  const between = new SimulatedSwitch({ simulation, queueBytesMax });
  const node = (id: NodeId): NodeUnderTest => ({
    peer: { id, address: `${id}:1` },
    network: between.open(id),
    reopen: () => Promise.resolve<Network>(between.open(id)),
  });
  const [a, b] = [node(nodeId("a")), node(nodeId("b"))];
  return Promise.resolve({
    a,
    b,
    queueBytesMax,
    clog: () => {
      between.clog(a.peer.id, b.peer.id);
      between.clog(b.peer.id, a.peer.id);
    },
    unclog: () => between.healAll(),
    turn: () => new Promise((resolve) => simulation.soon(resolve)),
    run: (body) => simulation.runUntilSettled(body()),
  });
});

class Cluster {
  readonly simulation: Simulation;
  readonly between: SimulatedSwitch;
  readonly receivers = new Map<NodeId, RecordingReceiver>();
  readonly networks = new Map<NodeId, SimulatedNetwork>();
  readonly #peers: readonly Peer[];

  constructor(names: string, options: Partial<SimulatedSwitchOptions> = {}, seed: number = 1) {
    this.simulation = new Simulation({ random: seededRandom(seed), drain });
    this.between = new SimulatedSwitch({ simulation: this.simulation, silenceMsMax: 1000, ...options });
    this.#peers = Array.from(names, (name) => ({ id: nodeId(name), address: `${name}:1` }));
    for (const { id } of this.#peers) this.start(id);
  }

  start(id: NodeId): void {
    const receiver = new RecordingReceiver();
    const network = this.between.open(id);
    network.listen(receiver);
    network.setPeers(this.#peers);
    this.receivers.set(id, receiver);
    this.networks.set(id, network);
  }

  at(name: string): RecordingReceiver {
    const receiver = this.receivers.get(nodeId(name));
    assert.ok(receiver);
    return receiver;
  }

  of(name: string): SimulatedNetwork {
    const network = this.networks.get(nodeId(name));
    assert.ok(network);
    return network;
  }

  send(from: string, to: string, text: string): boolean {
    return this.of(from).send(nodeId(to), utf8(text));
  }

  texts(name: string): string[] {
    return this.at(name).frames.map(utf8Text);
  }

  ask(from: string, to: string): Promise<string> {
    return this.of(from)
      .exchange(nodeId(to), { head: utf8("x"), body: emptyBody })
      .then(
        () => "answered",
        (error: unknown) => (error instanceof NetworkError ? error.kind : String(error)),
      );
  }
}

suite("simulated network: faults", () => {
  const [a, b] = [nodeId("a"), nodeId("b")];

  test("a cut that heals in time loses nothing: what was sent arrives late, in order", async () => {
    const cluster = new Cluster("ab");
    await cluster.simulation.runFor(500);
    cluster.between.cut(a, b);
    for (let i = 0; i < 5; i++) assert.ok(cluster.send("a", "b", `${i}`));
    assert.ok(cluster.send("b", "a", "the other way is open"));
    await cluster.simulation.runFor(500);
    assert.deepEqual(cluster.texts("b"), []);
    assert.deepEqual(cluster.texts("a"), ["the other way is open"]);
    cluster.between.heal(a, b);
    await cluster.simulation.runFor(500);
    assert.deepEqual(cluster.texts("b"), ["0", "1", "2", "3", "4"]);
    assert.equal(cluster.at("a").count("disconnect"), 0);
  });

  test("a cut holds back what is on its way, and a clog does", async () => {
    const cluster = new Cluster("ab", { latencyMsMin: 10, latencyMsMax: 10 });
    await cluster.simulation.runFor(500);
    for (const stop of ["cut", "clog"] as const) {
      assert.ok(cluster.send("a", "b", stop));
      await cluster.simulation.runFor(5);
      cluster.between[stop](a, b);
      await cluster.simulation.runFor(500);
      assert.ok(!cluster.texts("b").includes(stop));
      cluster.between.healAll();
      await cluster.simulation.runFor(20);
      assert.equal(cluster.texts("b").at(-1), stop);
    }
  });

  test("a one-way cut that lasts breaks the connection on both sides, and nobody connects until it heals", async () => {
    const cluster = new Cluster("ab");
    await cluster.simulation.runFor(500);
    cluster.between.cut(a, b);
    const exchanges = [cluster.ask("a", "b"), cluster.ask("b", "a")];
    await cluster.simulation.runFor(2000);
    assert.deepEqual(await Promise.all(exchanges), ["unreachable", "broken"]);
    for (const name of ["a", "b"]) {
      assert.equal(cluster.at(name).count("disconnect"), 1);
      assert.equal(cluster.at(name).count("connect"), 1);
    }
    assert.equal(cluster.send("a", "b", "x"), false);
    cluster.between.heal(a, b);
    await cluster.simulation.runFor(500);
    assert.ok(cluster.send("a", "b", "healed"));
    await cluster.simulation.runFor(10);
    assert.deepEqual(cluster.texts("b"), ["healed"]);
  });

  test("a partition keeps two groups apart, and each group together", async () => {
    const cluster = new Cluster("abcd");
    await cluster.simulation.runFor(500);
    cluster.between.partition([a, b], [nodeId("c"), nodeId("d")]);
    await cluster.simulation.runFor(2000);
    const reached = (from: string): string[] =>
      Array.from("abcd").filter((to) => cluster.send(from, to, "x"));
    assert.deepEqual(Array.from("abcd").map(reached), [["b"], ["a"], ["d"], ["c"]]);
    cluster.between.healAll();
    await cluster.simulation.runFor(500);
    assert.deepEqual(reached("a"), ["b", "c", "d"]);
  });

  test("a clogged path fills the queue up to its bound, breaks nothing, and empties", async () => {
    const cluster = new Cluster("ab", { queueBytesMax: 10 });
    await cluster.simulation.runFor(500);
    cluster.between.clog(a, b);
    const sent = Array.from({ length: 5 }, () => cluster.send("a", "b", "1234"));
    assert.deepEqual(sent, [true, true, false, false, false]);
    assert.equal(cluster.of("a").queuedBytes(b), 8);
    await cluster.simulation.runFor(60_000);
    cluster.between.unclog(a, b);
    await cluster.simulation.runFor(10);
    assert.deepEqual(cluster.texts("b"), ["1234", "1234"]);
    assert.equal(cluster.of("a").queuedBytes(b), 0);
    assert.equal(cluster.at("b").count("disconnect"), 0);
  });

  test("a paused node takes nothing; others give it up, and it learns when it wakes", async () => {
    const cluster = new Cluster("ab");
    await cluster.simulation.runFor(500);
    cluster.between.pause(b);
    assert.ok(cluster.send("a", "b", "waits"));
    await cluster.simulation.runFor(2000);
    assert.deepEqual([cluster.at("a").count("disconnect"), cluster.at("b").count("disconnect")], [1, 0]);
    assert.deepEqual(cluster.texts("b"), []);
    cluster.between.resume(b);
    await cluster.simulation.runFor(500);
    assert.equal(cluster.at("b").count("disconnect"), 1);
    assert.ok(cluster.send("b", "a", "back"));
  });

  test("frames are lost only with the connection, from some point on, and never come twice", async () => {
    let lost = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const cluster = new Cluster("ab", { breakChance: 0.02 }, seed);
      let taken = 0;
      for (let i = 0; i < 500; i++) {
        if (cluster.send("a", "b", `${i}`)) taken++;
        await cluster.simulation.runFor(uniform(cluster.simulation.random, 3));
      }
      await cluster.simulation.runFor(1000);
      const received = cluster.texts("b").map(Number);
      assert.ok(received.length <= taken);
      for (const [i, number] of received.entries()) if (i > 0) assert.ok(number > (received[i - 1] ?? 0));
      lost += cluster.between.struck.of("lost-frame");
      assert.ok(cluster.between.struck.of("broken-connection") > 0);
      assert.equal(taken - received.length <= cluster.between.struck.of("lost-frame"), true);
    }
    assert.ok(lost > 0);
  });

  test("a killed process hears nothing more, its calls never settle, and the others learn", async () => {
    const cluster = new Cluster("ab");
    await cluster.simulation.runFor(500);
    cluster.at("a").answer = () => new Promise(() => undefined);
    let settled = false;
    void cluster.ask("b", "a").then(() => {
      settled = true;
    });
    await cluster.simulation.runFor(10);
    const [dead, deadReceiver] = [cluster.of("b"), cluster.at("b")];
    dead.kill();
    assert.equal(cluster.send("b", "a", "x"), false);
    assert.ok(cluster.send("a", "b", "to the dead"));
    await cluster.simulation.runFor(500);
    assert.equal(deadReceiver.heard.length, 1);
    assert.equal(settled, false);
    assert.equal(cluster.at("a").count("disconnect"), 1);
    assert.equal(await cluster.simulation.runUntilSettled(cluster.ask("a", "b")), "unreachable");
    cluster.start(b);
    await cluster.simulation.runFor(500);
    assert.ok(cluster.send("a", "b", "to the next"));
    await cluster.simulation.runFor(10);
    assert.deepEqual(cluster.texts("b"), ["to the next"]);
  });

  test("the same seed gives the same run", async () => {
    const run = async (seed: number): Promise<string> => {
      const cluster = new Cluster("abc", { breakChance: 0.01, latencyMsMax: 20 }, seed);
      const trace: string[] = [];
      for (let i = 0; i < 200; i++) {
        const [from, to] = ["a b", "b c", "c a", "a c"][i % 4]?.split(" ") ?? [];
        if (from !== undefined && to !== undefined) trace.push(`${cluster.send(from, to, `${i}`)}`);
        await cluster.simulation.runFor(2);
        trace.push(...Array.from("abc", (name) => `${cluster.at(name).heard.length}`));
      }
      return trace.join(" ");
    };
    assert.equal(await run(7), await run(7));
    assert.notEqual(await run(7), await run(8));
  });
});
