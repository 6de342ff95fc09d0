/**
 * Three replicas, their disks, and the messages between them, moved by one action after another: nothing happens by itself.
 * What a host must do at once (hand over messages, submit writes, apply what is committed) follows each action.
 *
 * A replica is a function of what came in since it began. Its part of the state's key is therefore a hash of just that:
 * two orders that give every replica the same inputs in the same order are one state, and no two others are.
 */

import type { Random } from "@holdfast/base";
import { encode, logIndex } from "@holdfast/base";
import type {
  Consensus,
  ConsensusLimits,
  Envelope,
  Membership,
  ReplicaId,
  StorageWrite,
} from "@holdfast/consensus";
import { defaultConsensusLimits, replicaId } from "@holdfast/consensus";
import { GroupChecks } from "../group/group-checks.ts";
import type { Protocol } from "../group/protocol.ts";
import { registerMachine } from "../group/register-machine.ts";
import { ReplicaDisk } from "../group/replica-disk.ts";
import { violated } from "../model/violation.ts";

export type Action =
  | { readonly kind: "deliver"; readonly message: number }
  | { readonly kind: "lose"; readonly message: number }
  /** The message stays in the air, and arrives once more later, or never. */
  | { readonly kind: "deliver twice"; readonly message: number }
  /** The oldest write of the replica is durable. */
  | { readonly kind: "write"; readonly replica: number }
  /** An election timeout of the replica passes. */
  | { readonly kind: "time out"; readonly replica: number }
  | { readonly kind: "propose"; readonly replica: number }
  /** It begins anew, with so many of its writes in flight. */
  | { readonly kind: "crash"; readonly replica: number; readonly keptWrites: number };

/** How often each may happen. */
export interface Budget {
  readonly timeouts: number;
  readonly proposals: number;
  readonly crashes: number;
  readonly duplicates: number;
}

/** A tick is an election timeout. */
const limits: ConsensusLimits = { ...defaultConsensusLimits, electionTicks: 1, heartbeatTicks: 1 };
const ids: readonly ReplicaId[] = [1, 2, 3].map(replicaId);
const membership: Membership = { voters: ids, outgoing: [], learners: [] };

interface InAir<Message> {
  readonly message: Message;
  readonly hash: number;
}

class Replica<Message extends Envelope> {
  readonly id: ReplicaId;
  readonly disk = new ReplicaDisk<Message>(membership, registerMachine.empty);
  core: Consensus<Message>;
  /** Of its inputs. */
  history = 0;
  writesInFlight = 0;

  constructor(id: ReplicaId, protocol: Protocol<Message>) {
    this.id = id;
    this.core = this.begin(protocol);
  }

  begin(protocol: Protocol<Message>): Consensus<Message> {
    return protocol.create({ id: this.id, random: fixed(0), restored: this.disk.restore(), limits });
  }
}

export class SmallGroup<Message extends Envelope> {
  readonly #protocol: Protocol<Message>;
  readonly #replicas: readonly Replica<Message>[];
  readonly #checks: GroupChecks;
  #air: InAir<Message>[] = [];
  #left: Budget;
  #proposalsCount = 0;

  constructor(protocol: Protocol<Message>, budget: Budget) {
    this.#protocol = protocol;
    this.#left = budget;
    this.#checks = new GroupChecks(protocol.membershipCounts, membership);
    this.#replicas = ids.map((id) => new Replica(id, protocol));
  }

  get committed(): number {
    return this.#checks.commitIndex;
  }

  /** All that may happen now, equal messages once; first what happens if nothing goes wrong, nor out of order. */
  actions(): readonly Action[] {
    const { timeouts, proposals, crashes, duplicates } = this.#left;
    const replicas = [...this.#replicas.entries()];
    const messages = this.#distinctMessages();
    const proposers = replicas.filter(([, { core }]) => proposals > 0 && core.status().role === "leader");
    const crashed = crashes === 0 ? [] : replicas;
    return [
      ...replicas
        .filter(([, of]) => of.writesInFlight > 0)
        .map(([replica]) => ({ kind: "write", replica }) as const),
      ...messages.map((message) => ({ kind: "deliver", message }) as const),
      ...proposers.map(([replica]) => ({ kind: "propose", replica }) as const),
      ...(timeouts === 0 ? [] : replicas.map(([replica]) => ({ kind: "time out", replica }) as const)),
      ...messages.map((message) => ({ kind: "lose", message }) as const),
      ...(duplicates === 0 ? [] : messages.map((message) => ({ kind: "deliver twice", message }) as const)),
      ...crashed.flatMap(([replica, { writesInFlight }]) =>
        Array.from(
          { length: writesInFlight + 1 },
          (_, keptWrites) => ({ kind: "crash", replica, keptWrites }) as const,
        ),
      ),
    ];
  }

  /** Throws what the invariants find. */
  act(action: Action): void {
    switch (action.kind) {
      case "deliver":
      case "deliver twice":
        return this.#deliver(action.message, action.kind === "deliver twice");
      case "lose":
        this.#air = this.#air.filter((_, i) => i !== action.message);
        return;
      case "write":
        return this.#completeWrite(this.#at(action.replica));
      case "time out":
        this.#left = { ...this.#left, timeouts: this.#left.timeouts - 1 };
        return this.#input(this.#at(action.replica), 1, ({ core }) => core.tick());
      case "propose":
        return this.#propose(this.#at(action.replica));
      case "crash":
        return this.#crash(this.#at(action.replica), action.keptWrites);
    }
  }

  /** Equal for equal states, and for no others but by a collision of 53 bits. */
  get key(): number {
    let air = 0;
    for (const { hash } of this.#air) air = (air + Math.imul(hash, hash | 1)) >>> 0;
    let [high, low] = [air, air ^ 0x5bd1_e995];
    for (const { history } of this.#replicas) [high, low] = [mix(high, history), mix(low ^ 0x9e37, history)];
    for (const count of Object.values(this.#left)) [high, low] = [mix(high, count), mix(low, count + 7)];
    return (high & 0x1f_ffff) * 0x1_0000_0000 + (low >>> 0);
  }

  describe(action: Action): string {
    const message = "message" in action ? this.#air[action.message]?.message : undefined;
    if (message !== undefined) return `${action.kind} ${this.#protocol.describe(message)}`;
    return JSON.stringify("replica" in action ? { ...action, replica: action.replica + 1 } : action);
  }

  #distinctMessages(): readonly number[] {
    const hashes = this.#air.map(({ hash }) => hash);
    return [...hashes.keys()].filter((i) => hashes.indexOf(hashes[i] ?? 0) === i);
  }

  #deliver(position: number, staysInAir: boolean): void {
    const found = this.#air[position];
    if (found === undefined) throw new RangeError(`no message ${position}`);
    if (staysInAir) this.#left = { ...this.#left, duplicates: this.#left.duplicates - 1 };
    else this.#air = this.#air.filter((_, i) => i !== position);
    this.#input(this.#at(found.message.to - 1), found.hash, ({ core }) => {
      const refusal = core.step(found.message);
      if (refusal !== undefined) violated(`${this.#protocol.describe(found.message)}: ${refusal.problem}`);
    });
  }

  #completeWrite(replica: Replica<Message>): void {
    this.#input(replica, 2, ({ id, disk, core }) => {
      const write = disk.complete(0);
      if (write === undefined) return;
      replica.writesInFlight--;
      this.#onDurable(id, disk, write);
      for (const reply of write.replies) this.#send(reply);
      core.advance({ written: write.sequence });
    });
  }

  #propose(replica: Replica<Message>): void {
    this.#left = { ...this.#left, proposals: this.#left.proposals - 1 };
    const command = new Uint8Array([++this.#proposalsCount]);
    this.#input(replica, 16 + this.#proposalsCount, ({ core }) => core.propose(command));
  }

  #crash(replica: Replica<Message>, keptWrites: number): void {
    this.#left = { ...this.#left, crashes: this.#left.crashes - 1 };
    replica.disk.crash(fixed(keptWrites), (write) => this.#onDurable(replica.id, replica.disk, write));
    replica.writesInFlight = 0;
    replica.core = replica.begin(this.#protocol);
    this.#checks.onStart(replica.id);
    this.#input(replica, 64 + keptWrites, () => undefined);
  }

  #input(replica: Replica<Message>, code: number, work: (replica: Replica<Message>) => void): void {
    replica.history = mix(replica.history, code);
    work(replica);
    const { id, core, disk } = replica;
    for (let ready = core.ready(); ready !== undefined; ready = core.ready()) {
      this.#checks.onStatus(core.status());
      for (const message of ready.messages) this.#send(message);
      if (ready.write !== undefined) {
        disk.submit(ready.write, 0);
        replica.writesInFlight++;
      }
      for (const entry of ready.committed) {
        if (disk.ballotAt(entry.index) !== entry.ballot)
          violated(`replica ${id} applies what is not durable (S9)`);
        this.#checks.onChosen(id, entry);
      }
      const last = ready.committed.at(-1);
      if (last !== undefined) core.advance({ applied: logIndex(last.index) });
    }
    core.checkInvariants();
    this.#checks.onStatus(core.status());
  }

  /** A new hard state may say something new of entries that were durable before. */
  #onDurable(id: ReplicaId, disk: ReplicaDisk<Message>, { hardState, entries }: StorageWrite<Message>): void {
    const concerned = hardState === undefined ? entries : disk.entriesBehind(this.#checks.commitIndex);
    this.#checks.onDurable(id, this.#protocol.evidenceOf(disk.hardState, concerned));
  }

  #send(message: Message): void {
    let hash = mix(message.from, message.to);
    for (const byte of encode(this.#protocol.messageCodec, message)) hash = mix(hash, byte);
    this.#air.push({ message, hash });
  }

  #at(position: number): Replica<Message> {
    const replica = this.#replicas[position];
    if (replica === undefined) throw new RangeError(`no replica ${position}`);
    return replica;
  }
}

function fixed(value: number): Random {
  return { uint32: () => value, bytes: (length) => new Uint8Array(length) };
}

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, 0x85eb_ca6b) ^ (hash >>> 13);
  return Math.imul(mixed ^ (mixed >>> 15), 0xc2b2_ae35) ^ (mixed >>> 16);
}
