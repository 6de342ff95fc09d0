/**
 * One consensus group of texts on three nodes in virtual time: the state in a state store, the log on a disk that outlives the
 * process, commands that go to the leader from any node.
 */

import assert from "node:assert/strict";
import type { Codec, NodeId } from "@holdfast/base";
import { groupId, nodeId, present, seededRandom, text, utf8, utf8Text } from "@holdfast/base";
import { raftProtocol, replicaId } from "@holdfast/consensus";
import type { Group, Place } from "@holdfast/groups";
import { GroupHost } from "@holdfast/groups";
import type { Appended, CommittedEntry, StateMachine } from "@holdfast/ports";
import { silentMetrics } from "@holdfast/ports";
import {
  CollectingJournal,
  SimulatedClock,
  SimulatedDisk,
  SimulatedKeyValue,
  type SimulatedNetwork,
  SimulatedSwitch,
  Simulation,
  simulatedHashing,
} from "@holdfast/ports/simulated";
import type { GroupState } from "@holdfast/state";
import { StateStore } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import { openWriteAheadLog } from "@holdfast/wal";
import { ForwardingLog } from "../src/groups/forwarding-log.ts";
import { StateGroupMachine } from "../src/groups/state-group-machine.ts";
import { SharedNetwork, services } from "../src/network/shared-network.ts";
import { Proposals } from "../src/proposals/proposals.ts";

const group = groupId(1);
const textCodec: Codec<string> = text;
const size = 3;

/** Texts in the order they were applied, under their indexes; the result says where. */
class TextMachine implements StateMachine<string> {
  readonly #state: GroupState;

  constructor(state: GroupState) {
    this.#state = state;
  }

  apply({ index, command }: CommittedEntry): string {
    this.#state.put(utf8(String(index).padStart(8, "0")), command);
    return `${utf8Text(command)} at ${index}`;
  }
}

/** What outlives a process. */
interface Machine {
  readonly id: NodeId;
  readonly disk: SimulatedDisk;
  readonly store: SimulatedKeyValue;
  wasOpened: boolean;
}

export interface TextNode {
  readonly machine: Machine;
  readonly id: NodeId;
  readonly network: SimulatedNetwork;
  readonly clock: SimulatedClock;
  readonly wal: WriteAheadLog;
  readonly states: StateStore;
  readonly state: GroupState;
  readonly group: Group<string>;
  readonly proposals: Proposals;
  readonly log: ForwardingLog<string>;
  readonly journal: CollectingJournal;
}

export interface TextGroupOptions {
  readonly answerWaitMs?: number;
  readonly waitMs?: number;
  /** Whether a node's disk has room for a snapshot on its way in. */
  readonly hasRoom?: () => boolean;
}

export class TextGroup {
  readonly simulation: Simulation;
  readonly switch: SimulatedSwitch;
  readonly nodes: TextNode[] = [];
  readonly #options: TextGroupOptions;
  readonly #random = seededRandom(1);
  readonly #places = new Map<ReturnType<typeof replicaId>, Place>();

  private constructor(options: TextGroupOptions) {
    this.#options = options;
    const random = this.#random;
    const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    this.simulation = new Simulation({ random, drain });
    const { simulation } = this;
    const latency = { latencyMsMin: 0.1, latencyMsMax: 1, silenceMsMax: 5000, breakChance: 0 };
    this.switch = new SimulatedSwitch({ simulation, random, ...latency });
  }

  static async start(options: TextGroupOptions = {}): Promise<TextGroup> {
    const world = new TextGroup(options);
    const machines = Array.from({ length: size }, (_, i) => world.#machine(nodeId(`node-${i + 1}`)));
    const opened = [];
    for (const [i, machine] of machines.entries()) {
      const parts = await world.#openLog(machine);
      world.#places.set(replicaId(i + 1), { node: machine.id, incarnation: parts.wal.incarnation });
      opened.push(parts);
    }
    for (const parts of opened) world.nodes.push(await world.#openGroup(parts));
    return world;
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

  texts({ state }: TextNode): readonly string[] {
    return Array.from(state.range({ from: new Uint8Array(0) }), ({ value }) => utf8Text(value));
  }

  append(node: TextNode, command: string): Promise<Appended<string>> {
    return this.run(node.log.append(utf8(command)));
  }

  /** What is applied becomes durable, and the log lets go of what nobody needs any more. */
  async checkpoint({ states, wal }: TextNode): Promise<void> {
    for (const [id, index] of await this.run(states.flush())) wal.checkpoint(id, index);
    await this.simulation.runFor(10);
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

  kill({ machine, clock, network }: TextNode): void {
    clock.halt();
    network.kill();
    machine.disk.kill();
    machine.store.kill();
  }

  /** A new process on what the one that was killed left. */
  async restart(node: TextNode): Promise<TextNode> {
    const again = await this.#openGroup(await this.#openLog(node.machine));
    this.nodes[this.nodes.indexOf(node)] = again;
    return again;
  }

  #machine(id: NodeId): Machine {
    const { simulation } = this;
    const random = this.#random;
    const disk = new SimulatedDisk({ random, simulation, latencyMs: { min: 0.1, max: 0.5 } });
    return { id, disk, store: new SimulatedKeyValue({ random }), wasOpened: false };
  }

  async #openLog(machine: Machine): Promise<OpenedLog> {
    const clock = new SimulatedClock(this.simulation);
    const ports = {
      clock,
      random: this.#random,
      journal: new CollectingJournal(),
      hashing: simulatedHashing,
    };
    const opening = openWriteAheadLog({
      ...ports,
      disk: machine.disk.mount(),
      folder: "log",
      segmentBytes: 1024 * 1024,
    });
    return { machine, clock, wal: (await this.run(opening)).log };
  }

  async #openGroup({ machine, clock, wal }: OpenedLog): Promise<TextNode> {
    const { id } = machine;
    const network = this.switch.open(id);
    network.setPeers(Array.from(this.#places.values(), ({ node }) => ({ id: node, address: `${node}:1` })));
    const journal = new CollectingJournal();
    const shared = new SharedNetwork(network, journal);
    const ports = { clock, random: this.#random, journal, metrics: silentMetrics };
    const groups = shared.view(services.groups);
    const host = new GroupHost({ ...ports, wal, network: groups, events: quietEvents });
    groups.listen(host);
    const logs = new Map<number, ForwardingLog<string>>();
    const about = shared.view(services.proposals);
    const options = this.#options;
    const proposals = new Proposals({
      ...ports,
      network: about,
      served: (each) => logs.get(each),
      ...options,
    });
    about.listen(proposals);
    shared.listen();
    const states = new StateStore(machine.store.mount(), simulatedHashing);
    const state = states.group(group);
    const hasRoom = (): Promise<boolean> => Promise.resolve(options.hasRoom?.() ?? true);
    const voters = [...this.#places.keys()];
    const [replica] = [...this.#places].find(([, { node }]) => node === id) ?? [];
    const opening = host.open({
      group,
      protocol: raftProtocol,
      machine: new StateGroupMachine(state, new TextMachine(state), hasRoom),
      membership: { voters, outgoing: [], learners: [] },
      places: this.#places,
      replica: present(replica, "a replica"),
      incarnation: wal.incarnation,
      origin: machine.wasOpened ? "existing" : "new",
    });
    const ofNode = await this.run(opening);
    machine.wasOpened = true;
    const homes = (): readonly NodeId[] => Array.from(this.#places.values(), ({ node }) => node);
    const log = new ForwardingLog(group, textCodec, { self: id, proposals, clock, homes, ...options });
    log.replica = ofNode;
    logs.set(group, log);
    return { machine, id, network, clock, wal, states, state, group: ofNode, proposals, log, journal };
  }
}

interface OpenedLog {
  readonly machine: Machine;
  readonly clock: SimulatedClock;
  readonly wal: WriteAheadLog;
}

const quietEvents = {
  onLogFailure: () => undefined,
  onStateFailure: (_group: unknown, cause: unknown) => assert.fail(String(cause)),
  onLeaderChange: () => undefined,
  onApplied: () => undefined,
  room: () => undefined,
};
