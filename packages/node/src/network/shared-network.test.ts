import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeId } from "@holdfast/base";
import { AssertionError, nodeId, seededRandom, utf8, utf8Text } from "@holdfast/base";
import type { Exchange, Network, NetworkReceiver } from "@holdfast/ports";
import { emptyBody, NetworkError } from "@holdfast/ports";
import { CollectingJournal, SimulatedSwitch, Simulation } from "@holdfast/ports/simulated";
import { SharedNetwork } from "./shared-network.ts";

const [a, b] = [nodeId("node-a"), nodeId("node-b")];
const one = { number: 1, frames: [1, 2] };
const two = { number: 2, frames: [3] };

/** Notes what it is told, and answers exchanges with the head in capitals. */
class Noted implements NetworkReceiver {
  readonly told: string[] = [];

  onConnect(peer: NodeId): void {
    this.told.push(`connect ${peer}`);
  }

  onDisconnect(peer: NodeId): void {
    this.told.push(`disconnect ${peer}`);
  }

  onFrame(from: NodeId, frame: Uint8Array): void {
    this.told.push(`frame ${frame[0] ?? -1} of ${from}`);
  }

  onExchange(_from: NodeId, { head }: Exchange): Promise<Exchange> {
    this.told.push(`exchange ${utf8Text(head)}`);
    return Promise.resolve({ head: utf8(utf8Text(head).toUpperCase()), body: emptyBody });
  }
}

interface Side {
  readonly journal: CollectingJournal;
  readonly first: Noted;
  readonly second: Noted;
  readonly views: readonly [Network, Network];
}

class Pair {
  readonly simulation: Simulation;
  readonly here: Side;
  readonly there: Side;

  constructor() {
    const random = seededRandom(1);
    const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    this.simulation = new Simulation({ random, drain });
    const latency = { latencyMsMin: 0.1, latencyMsMax: 1, silenceMsMax: 5000, breakChance: 0 };
    const nodes = new SimulatedSwitch({ simulation: this.simulation, random, ...latency });
    const [here, there] = [a, b].map((id): Side => {
      const network = nodes.open(id);
      network.setPeers([a, b].map((peer) => ({ id: peer, address: `${peer}:1` })));
      const journal = new CollectingJournal();
      const shared = new SharedNetwork(network, journal);
      const views = [shared.view(one), shared.view(two)] as const;
      const [first, second] = [new Noted(), new Noted()];
      views[0].listen(first);
      views[1].listen(second);
      shared.listen();
      return { journal, first, second, views };
    });
    assert.ok(here !== undefined && there !== undefined);
    this.here = here;
    this.there = there;
  }

  async connected(): Promise<this> {
    await this.simulation.runFor(100);
    for (const { told } of [this.here.first, this.here.second, this.there.first, this.there.second])
      told.length = 0;
    return this;
  }
}

test("shared network: a frame comes to the service whose first byte it has; who connects, to all", async () => {
  const pair = new Pair();
  await pair.simulation.runFor(100);
  for (const { told } of [pair.there.first, pair.there.second]) assert.deepEqual(told, ["connect node-a"]);
  await pair.connected();
  const [view] = pair.here.views;
  for (const byte of [2, 3, 1]) assert.ok(view.send(b, Uint8Array.of(byte, 9)));
  await pair.simulation.runFor(100);
  assert.deepEqual(pair.there.first.told, ["frame 2 of node-a", "frame 1 of node-a"]);
  assert.deepEqual(pair.there.second.told, ["frame 3 of node-a"]);
});

test("shared network: two services whose heads begin alike do not get each other's exchanges", async () => {
  const pair = await new Pair().connected();
  for (const [i, view] of pair.here.views.entries()) {
    const asked = view.exchange(b, { head: utf8(`same ${i}`), body: emptyBody });
    const { head } = await pair.simulation.runUntilSettled(asked, 10_000);
    assert.equal(utf8Text(head), `SAME ${i}`);
  }
  assert.deepEqual(pair.there.first.told, ["exchange same 0"]);
  assert.deepEqual(pair.there.second.told, ["exchange same 1"]);
});

test("shared network: what no service knows is told to the journal, or refused, and harms nobody", async () => {
  const pair = await new Pair().connected();
  const [view] = pair.here.views;
  assert.ok(view.send(b, Uint8Array.of(99)));
  assert.ok(view.send(b, new Uint8Array(0)));
  await pair.simulation.runFor(100);
  const unknown = pair.there.journal.lines.filter(({ event }) => event === "network.frame.unknown");
  assert.deepEqual(
    unknown.map(({ fields }) => fields["firstByte"]),
    [99, -1],
  );
  assert.deepEqual([...pair.there.first.told, ...pair.there.second.told], []);
});

test("shared network: two services cannot have one number, nor one first byte", () => {
  const { views } = new Pair().here;
  assert.throws(() => views[0].listen(new Noted()), AssertionError);
});

test("shared network: an exchange of a number that nobody has is refused", async () => {
  const random = seededRandom(1);
  const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const simulation = new Simulation({ random, drain });
  const latency = { latencyMsMin: 0.1, latencyMsMax: 1, silenceMsMax: 5000, breakChance: 0 };
  const nodes = new SimulatedSwitch({ simulation, random, ...latency });
  const peers = [a, b].map((peer) => ({ id: peer, address: `${peer}:1` }));
  const [asker, asked] = [nodes.open(a), nodes.open(b)];
  for (const network of [asker, asked]) network.setPeers(peers);
  new SharedNetwork(asked, new CollectingJournal()).listen();
  asker.listen(new Noted());
  await simulation.runFor(100);
  const refused = asker
    .exchange(b, { head: Uint8Array.of(9), body: emptyBody })
    .catch((error: unknown) => error);
  const error = await simulation.runUntilSettled(refused, 10_000);
  assert.ok(error instanceof NetworkError);
});
