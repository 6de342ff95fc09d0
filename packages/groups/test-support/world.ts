/** A few nodes with group hosts in virtual time, on simulated disks and one simulated switch. */

import assert from "node:assert/strict";
import type { GroupId, NodeId, Random } from "@holdfast/base";
import { groupId, nodeId, seededRandom, utf8 } from "@holdfast/base";
import type { ConsensusProtocol, Envelope, Membership, ReplicaId } from "@holdfast/consensus";
import { emptyMembership, multiPaxosProtocol, raftProtocol, replicaId } from "@holdfast/consensus";
import type { Appended, Metrics } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";
import {
  CollectingJournal,
  RecordingMetrics,
  SimulatedClock,
  SimulatedDisk,
  type SimulatedNetwork,
  SimulatedSwitch,
  Simulation,
  simulatedHashing,
} from "@holdfast/ports/simulated";
import type { WriteAheadLog } from "@holdfast/wal";
import { openWriteAheadLog } from "@holdfast/wal";
import type { Group, GroupLeader } from "../src/group.ts";
import { GroupHost } from "../src/group-host.ts";
import type { GroupHostLimits } from "../src/limits.ts";
import type { Place } from "../src/places.ts";
import { BusyClock } from "./busy-clock.ts";
import { ListMachine, ListStore } from "./list-machine.ts";

export const group1: GroupId = groupId(1);

/** Both protocols, which a host drives alike. */
export const protocolNames = ["raft", "multipaxos"] as const;
export type ProtocolName = (typeof protocolNames)[number];

/** What a node's owner keeps of each group. */
interface GroupRecord {
  readonly group: GroupId;
  readonly protocol: ProtocolName;
  readonly replica: ReplicaId;
  readonly incarnation: string;
  readonly membership: Membership;
  readonly store: ListStore;
  wasOpened: boolean;
}

export interface WorldOptions {
  readonly seed?: number;
  readonly nodes?: number;
  readonly limits?: Partial<GroupHostLimits>;
  readonly segmentBytes?: number;
  readonly diskLatencyMs?: { readonly min: number; readonly max: number };
  /** Of each frame: the connection breaks behind it. */
  readonly breakChance?: number;
  /** Computing takes so long for each entry that a node applies; nothing otherwise. */
  readonly applyMs?: number;
  readonly networkLatencyMs?: { readonly min: number; readonly max: number };
}

export class TestNode {
  readonly id: NodeId;
  disk: SimulatedDisk;
  readonly records = new Map<GroupId, GroupRecord>();
  readonly machines = new Map<GroupId, ListMachine>();
  readonly groups = new Map<GroupId, Group<string>>();
  readonly logFailures: unknown[] = [];
  readonly stateFailures: GroupId[] = [];
  readonly leaders: (GroupLeader | undefined)[] = [];
  metrics: RecordingMetrics = new RecordingMetrics();
  journal: CollectingJournal;
  room: Promise<void> | undefined;
  readonly #world: World;
  #wal: WriteAheadLog | undefined;
  #host: GroupHost | undefined;
  #network: SimulatedNetwork | undefined;
  #clock: SimulatedClock | undefined;

  constructor(world: World, id: NodeId, disk: SimulatedDisk) {
    this.id = id;
    this.disk = disk;
    this.journal = new CollectingJournal();
    this.#world = world;
  }

  get host(): GroupHost {
    assert.ok(this.#host !== undefined);
    return this.#host;
  }

  get wal(): WriteAheadLog {
    assert.ok(this.#wal !== undefined);
    return this.#wal;
  }

  get network(): SimulatedNetwork {
    assert.ok(this.#network !== undefined);
    return this.#network;
  }

  get place(): Place {
    return { node: this.id, incarnation: this.wal.incarnation };
  }

  get isRunning(): boolean {
    return this.#host !== undefined;
  }

  /** A new process: all groups on record are opened again. */
  async start(): Promise<void> {
    const { simulation, random, options } = this.#world;
    this.#clock = new SimulatedClock(simulation);
    this.metrics = new RecordingMetrics();
    const clock = new BusyClock(this.#clock, () => (options.applyMs ?? 0) * this.appliedCount);
    const ports = { clock, random, journal: this.journal, metrics: this.metrics as Metrics };
    const { log } = await openWriteAheadLog({
      ...ports,
      disk: this.disk.mount(),
      hashing: simulatedHashing,
      folder: "log",
      segmentBytes: options.segmentBytes ?? 4 * 1024 * 1024,
    });
    this.#wal = log;
    this.#network = this.#world.switch.open(this.id);
    this.#network.setPeers(this.#world.peers);
    this.#host = new GroupHost({
      ...ports,
      wal: log,
      network: this.#network,
      limits: options.limits ?? {},
      events: {
        onLogFailure: (cause) => this.logFailures.push(cause),
        onStateFailure: (group) => this.stateFailures.push(group),
        onLeaderChange: (_group, leader) => this.leaders.push(leader),
        onApplied: () => undefined,
        room: () => this.room,
      },
    });
    this.#network.listen(this.#host);
    for (const record of this.records.values()) await this.open(record);
  }

  async open(record: GroupRecord): Promise<void> {
    const { group, replica, incarnation, membership } = record;
    const machine = new ListMachine(record.store);
    this.records.set(group, record);
    const origin = record.wasOpened ? "existing" : "new";
    const places = this.#world.places;
    const options = { group, machine, replica, incarnation, origin, membership, places } as const;
    const opened = await (record.protocol === "raft"
      ? this.#openWith(raftProtocol, options)
      : this.#openWith(multiPaxosProtocol, options));
    record.wasOpened = true;
    this.machines.set(group, machine);
    this.groups.set(group, opened);
  }

  /** What was applied becomes durable, and the log is told. */
  checkpoint(group: GroupId = group1): void {
    const machine = this.machine(group);
    machine.flush();
    this.wal.checkpoint(group, machine.applied.index);
  }

  get appliedCount(): number {
    let count = 0;
    for (const { texts } of this.machines.values()) count += texts.length;
    return count;
  }

  group(group: GroupId = group1): Group<string> {
    const found = this.groups.get(group);
    assert.ok(found !== undefined);
    return found;
  }

  machine(group: GroupId = group1): ListMachine {
    const found = this.machines.get(group);
    assert.ok(found !== undefined);
    return found;
  }

  kill(): void {
    this.#clock?.halt();
    this.#network?.kill();
    this.#host = undefined;
    this.disk.kill();
  }

  powerLoss(): void {
    this.kill();
    this.disk.powerLoss();
  }

  /** Its machine stands still: nothing arrives, nothing leaves, no time passes. */
  pause(): void {
    this.#clock?.suspend();
    this.#world.switch.pause(this.id);
  }

  resume(): void {
    this.#clock?.resume();
    this.#world.switch.resume(this.id);
  }

  async stop(): Promise<void> {
    await this.host.stop();
    await this.network.close();
    await this.wal.close();
    this.#clock?.halt();
    this.#host = undefined;
  }

  #openWith<Message extends Envelope>(
    protocol: ConsensusProtocol<Message>,
    options: Omit<Parameters<typeof this.host.open<string, Message>>[0], "protocol">,
  ): Promise<Group<string>> {
    return this.host.open({ ...options, protocol });
  }
}

export class World {
  readonly options: WorldOptions;
  readonly random: Random;
  readonly simulation: Simulation;
  readonly switch: SimulatedSwitch;
  readonly nodes: readonly TestNode[];
  readonly places = new Map<ReplicaId, Place>();

  constructor(options: WorldOptions = {}) {
    this.options = options;
    this.random = seededRandom(options.seed ?? 1);
    const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    this.simulation = new Simulation({ random: this.random, drain });
    const { simulation, random } = this;
    const { min: latencyMsMin, max: latencyMsMax } = options.networkLatencyMs ?? { min: 0.1, max: 1 };
    const { breakChance = 0 } = options;
    const network = { latencyMsMin, latencyMsMax, silenceMsMax: 5000, breakChance };
    this.switch = new SimulatedSwitch({ simulation, random, ...network });
    const latencyMs = options.diskLatencyMs ?? { min: 0.1, max: 0.5 };
    this.nodes = Array.from(
      { length: options.nodes ?? 3 },
      (_, i) =>
        new TestNode(this, nodeId(`node-${i + 1}`), new SimulatedDisk({ random, simulation, latencyMs })),
    );
  }

  get peers(): { readonly id: NodeId; readonly address: string }[] {
    return this.nodes.map(({ id }) => ({ id, address: `${id}:1` }));
  }

  /** All nodes run, and replica i of each group lives on node i. */
  static async start(options: WorldOptions = {}): Promise<World> {
    const world = new World(options);
    for (const [i, node] of world.nodes.entries()) {
      await world.run(node.start());
      world.places.set(replicaId(i + 1), node.place);
    }
    return world;
  }

  /** With these voters from the start; the other nodes join. */
  async openGroup(
    protocol: ProtocolName,
    { group = group1, voters = this.nodes.length }: { group?: GroupId; voters?: number } = {},
  ): Promise<void> {
    const ids = Array.from({ length: voters }, (_, i) => replicaId(i + 1));
    for (const [i, node] of this.nodes.entries()) {
      const membership = i < voters ? { voters: ids, outgoing: [], learners: [] } : emptyMembership;
      const { incarnation } = node.wal;
      const replica = replicaId(i + 1);
      const record = {
        group,
        protocol,
        replica,
        incarnation,
        membership,
        store: new ListStore(),
        wasOpened: false,
      };
      await this.run(node.open(record));
    }
  }

  node(number: number): TestNode {
    const node = this.nodes[number - 1];
    assert.ok(node !== undefined);
    return node;
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.simulation.runUntilSettled(promise, 60_000);
  }

  /** What a promise rejects with. */
  rejection(promise: Promise<unknown>): Promise<unknown> {
    return promise.then(
      () => assert.fail("resolved"),
      (error: unknown) => error,
    );
  }

  failure(promise: Promise<unknown>): Promise<unknown> {
    return this.run(this.rejection(promise));
  }

  /** Virtual time until it holds; fails when it does not within `timeMaxMs`. */
  async until(holds: () => boolean, what: string, timeMaxMs: number = 10_000): Promise<number> {
    const startMs = this.simulation.nowMs;
    while (!holds()) {
      assert.ok(this.simulation.nowMs - startMs < timeMaxMs, `${what} within ${timeMaxMs} ms`);
      assert.ok(await this.simulation.step(), `${what}, while nothing happens any more`);
    }
    return this.simulation.nowMs - startMs;
  }

  /** The running node whose replica leads, once there is one that the others follow. */
  async leader(group: GroupId = group1): Promise<TestNode> {
    await this.until(() => this.leaderNow(group) !== undefined, "a leader");
    const leader = this.leaderNow(group);
    assert.ok(leader !== undefined);
    return leader;
  }

  leaderNow(group: GroupId = group1): TestNode | undefined {
    const running = this.nodes.filter((node) => node.isRunning && node.groups.has(group));
    const leaders = running.filter((node) => node.group(group).status().role === "leader");
    const latest = leaders.sort((a, b) => b.group(group).status().ballot - a.group(group).status().ballot)[0];
    if (latest === undefined) return undefined;
    const { leader, commitIndex, lastIndex } = latest.group(group).status();
    return leader !== undefined && commitIndex === lastIndex ? latest : undefined;
  }

  others(node: TestNode): readonly TestNode[] {
    return this.nodes.filter((other) => other !== node);
  }

  /** A bit changes where the log holds this text. */
  async rotLog(node: TestNode, text: string): Promise<void> {
    for (const name of await this.run(node.disk.list("log"))) {
      const path = `log/${name}`;
      const place = new TextDecoder("latin1").decode(node.disk.peek(path)).indexOf(text);
      if (place < 0) continue;
      node.disk.rot(path, place);
      return;
    }
    assert.fail(`the log holds no ${text}`);
  }

  follower(leader: TestNode): TestNode {
    const [follower] = this.others(leader);
    assert.ok(follower !== undefined);
    return follower;
  }

  /** More than a replica keeps in memory. */
  async fillWindow(leader: TestNode, count: number = 12): Promise<readonly string[]> {
    const texts = Array.from({ length: count }, (_, i) => `${i}`.padEnd(12_000, "-"));
    for (const text of texts) await this.append(leader, text);
    return texts;
  }

  append(node: TestNode, text: string, group: GroupId = group1): Promise<Appended<string>> {
    return this.run(node.group(group).append(utf8(text)));
  }

  /** Messages of groups that the running nodes have sent so far. */
  async messagesSent(): Promise<number> {
    const counts = this.nodes.map(({ metrics }) => metrics.value(allMetrics.groupMessages, {}));
    return (await Promise.all(counts)).reduce<number>((sum, count) => sum + (count ?? 0), 0);
  }

  async untilResting(group: GroupId = group1): Promise<void> {
    const running = this.nodes.filter((node) => node.isRunning);
    await this.until(() => running.every((node) => node.group(group).isResting), "all replicas rest");
  }
}
