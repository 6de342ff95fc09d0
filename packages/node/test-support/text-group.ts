/** One consensus group of texts on three nodes in virtual time, whose commands go to the leader from any of them. */

import assert from "node:assert/strict";
import type { Codec, NodeId } from "@holdfast/base";
import { ballot, groupId, logIndex, nodeId, seededRandom, text, utf8, utf8Text } from "@holdfast/base";
import type { SnapshotPosition } from "@holdfast/consensus";
import { emptyMembership, raftProtocol, replicaId } from "@holdfast/consensus";
import type { Group, GroupMachine } from "@holdfast/groups";
import { GroupHost } from "@holdfast/groups";
import type { Appended, CommittedEntry } from "@holdfast/ports";
import { emptyBody, silentMetrics } from "@holdfast/ports";
import {
  CollectingJournal,
  SimulatedClock,
  SimulatedDisk,
  type SimulatedNetwork,
  SimulatedSwitch,
  Simulation,
  simulatedHashing,
} from "@holdfast/ports/simulated";
import { openWriteAheadLog } from "@holdfast/wal";
import { ForwardingLog } from "../src/groups/forwarding-log.ts";
import { SharedNetwork } from "../src/network/shared-network.ts";
import { answerByte, askByte } from "../src/proposals/proposal-frames.ts";
import { Proposals } from "../src/proposals/proposals.ts";

const group = groupId(1);
const groupFrames = 1;
const textCodec: Codec<string> = text;

/** Texts in the order they were applied; the result says where. */
export class TextMachine implements GroupMachine<string> {
  readonly texts: string[] = [];
  readonly staged = undefined;
  applied: SnapshotPosition = { index: logIndex(0), ballot: ballot(0), membership: emptyMembership };

  apply({ index, command }: CommittedEntry): string {
    this.texts.push(utf8Text(command));
    return `${utf8Text(command)} at ${index}`;
  }

  advance(position: SnapshotPosition): void {
    this.applied = position;
  }

  snapshot(): AsyncIterable<Uint8Array> {
    return emptyBody;
  }

  stage(): never {
    assert.fail("no node falls so far behind here");
  }
}

export interface TextNode {
  readonly id: NodeId;
  readonly disk: SimulatedDisk;
  readonly network: SimulatedNetwork;
  readonly clock: SimulatedClock;
  readonly host: GroupHost;
  readonly group: Group<string>;
  readonly machine: TextMachine;
  readonly proposals: Proposals;
  readonly log: ForwardingLog<string>;
  readonly journal: CollectingJournal;
}

export class TextGroup {
  readonly simulation: Simulation;
  readonly switch: SimulatedSwitch;
  readonly nodes: TextNode[] = [];
  readonly #random = seededRandom(1);

  private constructor() {
    const random = this.#random;
    const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    this.simulation = new Simulation({ random, drain });
    const { simulation } = this;
    const latency = { latencyMsMin: 0.1, latencyMsMax: 1, silenceMsMax: 5000, breakChance: 0 };
    this.switch = new SimulatedSwitch({ simulation, random, ...latency });
  }

  static async start(
    options: { readonly answerWaitMs?: number; readonly waitMs?: number } = {},
  ): Promise<TextGroup> {
    const world = new TextGroup();
    const ids = [1, 2, 3].map((number) => nodeId(`node-${number}`));
    const opened: Opened[] = [];
    for (const id of ids) opened.push(await world.run(world.#openLog(id)));
    const places = new Map(
      opened.map(({ id, wal }, i) => [replicaId(i + 1), { node: id, incarnation: wal.incarnation }]),
    );
    const voters = ids.map((_, i) => replicaId(i + 1));
    for (const [i, parts] of opened.entries()) {
      const { id, disk, wal, clock } = parts;
      const network = world.switch.open(id);
      network.setPeers(ids.map((peer) => ({ id: peer, address: `${peer}:1` })));
      const journal = new CollectingJournal();
      const shared = new SharedNetwork(network, journal);
      const ports = { clock, random: world.#random, journal, metrics: silentMetrics };
      const groups = shared.view([groupFrames]);
      const host = new GroupHost({ ...ports, wal, network: groups, events: quietEvents });
      groups.listen(host);
      const logs = new Map<number, ForwardingLog<string>>();
      const about = shared.view([askByte, answerByte]);
      const served = (id: number): ForwardingLog<string> | undefined => logs.get(id);
      const proposals = new Proposals({ ...ports, network: about, served, ...options });
      about.listen(proposals);
      shared.listen();
      const machine = new TextMachine();
      const membership = { voters, outgoing: [], learners: [] };
      const replica = { replica: replicaId(i + 1), incarnation: wal.incarnation, origin: "new" } as const;
      const opening = host.open({ group, protocol: raftProtocol, machine, membership, places, ...replica });
      const ofNode = await world.run(opening);
      const log = new ForwardingLog(ofNode, textCodec, { self: id, proposals, clock, ...options });
      logs.set(group, log);
      world.nodes.push({ id, disk, network, clock, host, group: ofNode, machine, proposals, log, journal });
    }
    return world;
  }

  node(number: number): TextNode {
    const node = this.nodes[number];
    assert.ok(node !== undefined);
    return node;
  }

  /** The one that leads, and the two that do not. */
  async roles(): Promise<readonly [TextNode, TextNode, TextNode]> {
    const leads = ({ group: each }: TextNode): boolean => each.status().role === "leader";
    await this.until(() => this.nodes.some(leads), "a leader");
    const [first, second] = this.nodes.filter((node) => !leads(node));
    const leader = this.nodes.find(leads);
    assert.ok(leader !== undefined && first !== undefined && second !== undefined);
    await this.until(
      () => [first, second].every((node) => node.group.leader?.node === leader.id),
      "all know it",
    );
    return [leader, first, second];
  }

  append(node: TextNode, command: string): Promise<Appended<string>> {
    return this.run(node.log.append(utf8(command)));
  }

  /** What it rejects with. */
  failure(promise: Promise<unknown>): Promise<unknown> {
    return this.run(
      promise.then(
        () => assert.fail("resolved"),
        (error: unknown) => error,
      ),
    );
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.simulation.runUntilSettled(promise, 60_000);
  }

  async until(holds: () => boolean, what: string): Promise<void> {
    const startMs = this.simulation.nowMs;
    while (!holds()) {
      assert.ok(this.simulation.nowMs - startMs < 30_000, what);
      assert.ok(await this.simulation.step(), what);
    }
  }

  kill(node: TextNode): void {
    node.clock.halt();
    node.network.kill();
  }

  async #openLog(id: NodeId): Promise<Opened> {
    const { simulation } = this;
    const random = this.#random;
    const clock = new SimulatedClock(simulation);
    const disk = new SimulatedDisk({ random, simulation, latencyMs: { min: 0.1, max: 0.5 } });
    const ports = { clock, random, journal: new CollectingJournal(), hashing: simulatedHashing };
    const { log: wal } = await openWriteAheadLog({
      ...ports,
      disk: disk.mount(),
      folder: "log",
      segmentBytes: 1024 * 1024,
    });
    return { id, disk, wal, clock };
  }
}

interface Opened {
  readonly id: NodeId;
  readonly disk: SimulatedDisk;
  readonly wal: Awaited<ReturnType<typeof openWriteAheadLog>>["log"];
  readonly clock: SimulatedClock;
}

const quietEvents = {
  onLogFailure: () => undefined,
  onStateFailure: (_group: unknown, cause: unknown) => assert.fail(String(cause)),
  onLeaderChange: () => undefined,
  onApplied: () => undefined,
  room: () => undefined,
};
