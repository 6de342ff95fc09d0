/** One node of the register service: registers in one consensus group, answered linearizably by any node. */

import { encode, groupId, StoreError } from "@holdfast/base";
import { multiPaxosProtocol, raftProtocol, replicaId } from "@holdfast/consensus";
import type { Group, Place } from "@holdfast/groups";
import { GroupHost } from "@holdfast/groups";
import type { HostNetwork } from "@holdfast/host";
import { loadCredentials, nodeHashing, openDisk, openNetwork, realClock, secureRandom } from "@holdfast/host";
import type { Clock, Journal } from "@holdfast/ports";
import { silentMetrics, sleep } from "@holdfast/ports";
import type { WriteAheadLog } from "@holdfast/wal";
import { openWriteAheadLog } from "@holdfast/wal";
import type { AnswerBody, RequestBody } from "../wire/messages.ts";
import { exchangeIncarnations } from "./incarnations.ts";
import { clusterId, nodeIdOf } from "./node-ids.ts";
import type { ServiceOptions } from "./options.ts";
import type { WriteOutcome } from "./register-machine.ts";
import { RegisterMachine, writeCommandCodec } from "./register-machine.ts";

const registers = groupId(1);
const segmentBytes = 4 * 1024 * 1024;
const flushIntervalMs = 1000;

export class RegisterService {
  readonly #machine: RegisterMachine;
  readonly #group: Group<WriteOutcome>;
  readonly #wal: WriteAheadLog;

  private constructor(machine: RegisterMachine, group: Group<WriteOutcome>, wal: WriteAheadLog) {
    this.#machine = machine;
    this.#group = group;
    this.#wal = wal;
  }

  /** `onFailure` is called when this node can go on no longer. */
  static async open(
    options: ServiceOptions,
    journal: Journal,
    onFailure: (cause: unknown) => void,
  ): Promise<RegisterService> {
    const { size, node, consensus, folders } = options;
    const clock = realClock;
    const disk = await openDisk(options.folder);
    const ports = { disk, clock, random: secureRandom, hashing: nodeHashing, journal };
    const { log: wal } = await openWriteAheadLog({ ...ports, folder: "log", segmentBytes });
    const incarnations = await exchangeIncarnations(disk, folders, wal.incarnation, clock);
    const network = await connectNodes(options, journal);
    const host = new GroupHost({
      ...ports,
      wal,
      network,
      metrics: silentMetrics,
      limits: options.limits ?? {},
      events: {
        onLogFailure: onFailure,
        onStateFailure: (_group, cause) => onFailure(cause),
        onLeaderChange: () => undefined,
        onApplied: () => undefined,
        room: () => undefined,
      },
    });
    network.listen(host);
    const machine = await RegisterMachine.open(disk);
    const places = new Map(
      incarnations.map((incarnation, i): [ReturnType<typeof replicaId>, Place] => [
        replicaId(i + 1),
        { node: nodeIdOf(i), incarnation },
      ]),
    );
    const open = {
      group: registers,
      machine,
      replica: replicaId(node + 1),
      incarnation: wal.incarnation,
      origin: wal.group(registers) === undefined ? "new" : "existing",
      membership: {
        voters: Array.from({ length: size }, (_, i) => replicaId(i + 1)),
        outgoing: [],
        learners: [],
      },
      places,
    } as const;
    const group = await (consensus === "raft"
      ? host.open({ ...open, protocol: raftProtocol })
      : host.open({ ...open, protocol: multiPaxosProtocol }));
    const service = new RegisterService(machine, group, wal);
    void service.#flushNowAndThen(clock, onFailure);
    return service;
  }

  async answer(request: RequestBody): Promise<AnswerBody> {
    try {
      switch (request.kind) {
        case "Leader":
          return this.#notLeader();
        case "Read":
          await this.#group.readBarrier();
          return { kind: "Value", value: this.#machine.get(request.key) };
        case "Write": {
          const { key, value, expected } = request;
          const { result } = await this.#group.append(encode(writeCommandCodec, { key, value, expected }));
          return { kind: result === "written" ? "Written" : "Unexpected" };
        }
        case "Flood":
          return { kind: "Flooded", micros: await this.#flood(request) };
      }
    } catch (error) {
      return this.#refusal(error);
    }
  }

  async #flood({ count, inflight, bytes }: Extract<RequestBody, { kind: "Flood" }>): Promise<number> {
    const command = encode(writeCommandCodec, { key: "", value: "x".repeat(bytes), expected: undefined });
    const startedMs = realClock.monotonicMs();
    let left = count;
    const one = async (): Promise<void> => {
      while (left-- > 0) await this.#group.append(command);
    };
    await Promise.all(Array.from({ length: inflight }, one));
    return Math.round(1000 * (realClock.monotonicMs() - startedMs));
  }

  #refusal(error: unknown): AnswerBody {
    if (!(error instanceof StoreError)) throw error;
    if (error.outcome !== "not-applied") return { kind: "Unknown" };
    return error.code === "Unavailable" ? this.#notLeader() : { kind: "Unavailable" };
  }

  #notLeader(): AnswerBody {
    const { leader } = this.#group;
    return { kind: "NotLeader", leader: leader === undefined ? undefined : leader.replica - 1 };
  }

  /** What is flushed needs no log; a node that was away for long gets a snapshot. */
  async #flushNowAndThen(clock: Clock, onFailure: (cause: unknown) => void): Promise<void> {
    try {
      for (;;) {
        await sleep(clock, flushIntervalMs);
        const index = await this.#machine.flush();
        if (index > 0) this.#wal.checkpoint(registers, index);
      }
    } catch (cause) {
      onFailure(cause);
    }
  }
}

async function connectNodes(
  { node, size, credentials, nodePort, peerPorts }: ServiceOptions,
  journal: Journal,
): Promise<HostNetwork> {
  const network = await openNetwork({
    self: nodeIdOf(node),
    clusterId,
    host: "127.0.0.1",
    port: nodePort,
    security: credentials === undefined ? "none" : await loadCredentials(credentials),
    clock: realClock,
    random: secureRandom,
    hashing: nodeHashing,
    journal,
  });
  const others = Array.from({ length: size }, (_, i) => i).filter((i) => i !== node);
  network.setPeers(others.map((i) => ({ id: nodeIdOf(i), address: `127.0.0.1:${peerPorts[i]}` })));
  return network;
}
