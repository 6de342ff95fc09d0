import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode, nodeId, present, seededRandom, toHex, utf8, utf8Text } from "@holdfast/base";
import type { SimulatedNetwork } from "@holdfast/ports/simulated";
import { CollectingJournal, SimulatedClock, SimulatedSwitch, Simulation } from "@holdfast/ports/simulated";
import { ClusterMachines } from "../../test-support/cluster-machines.ts";
import { clockFrameCodec } from "./clock-frames.ts";
import { PeerClocks } from "./peer-clocks.ts";

const hourMs = 3_600_000;

interface Machine {
  readonly clock: SimulatedClock;
  readonly clocks: PeerClocks;
  readonly network: SimulatedNetwork;
  readonly journal: CollectingJournal;
  apartCount: number;
}

/** Nodes that only compare their clocks. */
class Clocks {
  readonly simulation: Simulation;
  readonly machines: Machine[] = [];

  constructor(skewsMs: readonly number[]) {
    const random = seededRandom(3);
    const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    this.simulation = new Simulation({ random, drain });
    const latency = { latencyMsMin: 1, latencyMsMax: 50, silenceMsMax: 2000, breakChance: 0 };
    const wires = new SimulatedSwitch({ simulation: this.simulation, random, ...latency });
    const ids = skewsMs.map((_, i) => nodeId(`000000000000000${i}`));
    for (const [i, skewMs] of skewsMs.entries()) {
      const clock = new SimulatedClock(this.simulation, { skewMs });
      const journal = new CollectingJournal();
      const network = wires.open(present(ids[i], "an id"));
      const onApart = (): void => void machine.apartCount++;
      const clocks = new PeerClocks({ network, clock, random, journal, onApart });
      const machine: Machine = { clock, clocks, network, journal, apartCount: 0 };
      network.listen(clocks);
      network.setPeers(ids.filter((id) => id !== ids[i]).map((id) => ({ id, address: "" })));
      clocks.setOthers(new Set(ids.filter((id) => id !== ids[i])));
      this.machines.push(machine);
    }
  }

  get standings(): readonly string[] {
    return this.machines.map(({ clocks }) => clocks.standing.standing);
  }

  /** What each may put into entries, behind its own clock; undefined: nothing. */
  get entryLags(): readonly (number | undefined)[] {
    return this.machines.map(({ clocks, clock }) => {
      const timeMs = clocks.forEntries().wallMs();
      return timeMs === 0 ? undefined : clock.wallMs() - timeMs;
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.machines.map(({ clocks }) => clocks.stop()));
  }
}

test("peer clocks: frames are what they are for good", () => {
  const frames = {
    "5007": { kind: "ask", number: 7 },
    "5107ac02": { kind: "answer", number: 7, wallMs: 300 },
  };
  for (const [hex, frame] of Object.entries(frames)) {
    assert.deepEqual(decode(clockFrameCodec, Buffer.from(hex, "hex")), frame);
    assert.equal(toHex(encode(clockFrameCodec, frame as never)), hex);
  }
});

test("peer clocks: a node that is an hour off is told so, says no time, and is asked to lead nothing; the others go on", async () => {
  for (const skewMs of [hourMs, -hourMs]) {
    const world = new Clocks([0, skewMs, 200]);
    assert.deepEqual(world.entryLags, [undefined, undefined, undefined], "nobody was heard yet");
    await world.simulation.runFor(1000);
    assert.deepEqual(world.standings, ["together", "apart", "together"]);
    assert.deepEqual(world.entryLags, [0, undefined, 0]);
    const [, wrong] = world.machines;
    const aheadMs = present(wrong, "a machine").clocks.standing.aheadMs;
    assert.ok(Math.abs(aheadMs - skewMs) < 300, `${aheadMs} ms`);
    await world.simulation.runFor(10_000);
    assert.deepEqual(
      world.machines.map(({ apartCount }) => apartCount > 3),
      [false, true, false],
    );
    wrong?.clock.jumpWall(-skewMs);
    await world.simulation.runFor(3000);
    assert.deepEqual(world.standings, ["together", "together", "together"]);
    assert.deepEqual(world.entryLags, [0, 0, 0]);
    await world.stop();
  }
});

test("peer clocks: of two nodes that disagree neither says a time, and either may lead", async () => {
  const world = new Clocks([0, hourMs]);
  await world.simulation.runFor(5000);
  assert.deepEqual(world.standings, ["unsure", "unsure"]);
  assert.deepEqual(world.entryLags, [undefined, undefined]);
  assert.deepEqual(
    world.machines.map(({ apartCount }) => apartCount),
    [0, 0],
  );
  await world.stop();
});

test("peer clocks: a node that no other can reach goes by its own clock, after it has given them time", async () => {
  const world = new Clocks([0, 0]);
  await world.simulation.runFor(1000);
  world.machines[1]?.network.kill();
  assert.deepEqual(world.standings[0], "together");
  await world.simulation.runFor(60_000);
  assert.deepEqual([world.standings[0], world.entryLags[0]], ["alone", 0]);
  await world.stop();
});

test("peer clocks: an answer to an earlier question, of an earlier process, or that is nonsense says nothing", async () => {
  const world = new Clocks([0]);
  const { clocks, journal } = present(world.machines[0], "a machine");
  const strangers = [nodeId("0000000000000008"), nodeId("0000000000000009")] as const;
  clocks.setOthers(new Set(strangers));
  await world.simulation.runFor(10);
  for (let number = 0; number < 100; number++)
    for (const stranger of strangers)
      clocks.onFrame(stranger, encode(clockFrameCodec, { kind: "answer", number, wallMs: 5 }));
  clocks.onFrame(strangers[0], Uint8Array.of(0x51));
  assert.equal(clocks.standing.standing, "unsure");
  assert.deepEqual(
    journal.lines.map(({ event }) => event),
    ["clocks.malformed"],
  );
  await world.stop();
});

test("peer clocks: a cluster's time does not follow one node's clock, which soon leads nothing", async () => {
  const world = await ClusterMachines.start(3);
  await world.settled();
  await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests" }));
  const leader = (await world.run(world.node(0).status())).cluster.shards[0]?.leader;
  const ids = [await world.idOf(0), await world.idOf(1), await world.idOf(2)];
  const wrong = ids.findIndex((id) => id === leader);
  world.machine(wrong).clock.jumpWall(hourMs);
  // Before the others were asked again.
  await world.run(world.storeFile(wrong, "f-1", utf8("by a node out of time")));
  await world.until(async () => {
    const { clock, cluster } = await world.run(world.node(wrong).status());
    const leads = [cluster.system, ...cluster.shards].some((group) => group.leader === ids[wrong]);
    return clock.standing === "apart" && !leads;
  }, "it leads nothing");
  const reading = await world.run(world.node((wrong + 1) % 3).files.readFile({ bucket: "b-1", key: "f-1" }));
  const aheadMs = reading.file.modifiedAtMs - world.machine((wrong + 1) % 3).clock.wallMs();
  assert.ok(Math.abs(aheadMs) < 60_000, `${aheadMs} ms`);
  assert.equal(utf8Text(await world.run(world.readFile(wrong, "f-1"))), "by a node out of time");
  assert.equal((await world.run(world.node(wrong).readiness())).ready, true);
  await world.stop();
});
