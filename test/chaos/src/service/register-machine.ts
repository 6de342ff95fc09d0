/**
 * Registers by name, as a group's state machine. The state is in memory; a flush writes all of it to one file, which names the
 * place in the log it stands for.
 */

import type { Codec, LogIndex } from "@holdfast/base";
import {
  ballot,
  branded,
  concatBytes,
  decode,
  encode,
  list,
  logIndex,
  optional,
  record,
  text,
  versioned,
} from "@holdfast/base";
import type { SnapshotPosition } from "@holdfast/consensus";
import { decodeMembership, emptyMembership, encodeMembership } from "@holdfast/consensus";
import type { GroupMachine, MachineSnapshot, StagedState } from "@holdfast/groups";
import type { CommittedEntry, Disk } from "@holdfast/ports";
import { readWhole, replaceWhole } from "@holdfast/ports";

/** `expected` "" is absence; undefined: unconditional. */
export interface WriteCommand {
  readonly key: string;
  readonly value: string;
  readonly expected: string | undefined;
}

export const writeCommandCodec: Codec<WriteCommand> = versioned(
  1,
  record({ key: text, value: text, expected: optional(text) }),
);

export type WriteOutcome = "written" | "unexpected";

interface SavedState {
  readonly position: SnapshotPosition;
  readonly registers: readonly { readonly key: string; readonly value: string }[];
}

const savedStateCodec: Codec<SavedState> = versioned(
  1,
  record({
    position: record({
      index: branded<LogIndex>(),
      ballot: branded<SnapshotPosition["ballot"]>(),
      membership: {
        write: (writer, value) => writer.bytes(encodeMembership(value)),
        read: (reader) => decodeMembership(reader.bytes()),
      } satisfies Codec<SnapshotPosition["membership"]>,
    }),
    registers: list(record({ key: text, value: text })),
  }),
);

const emptyState: SavedState = {
  position: { index: logIndex(0), ballot: ballot(0), membership: emptyMembership },
  registers: [],
};

const stateFile = "registers";
const stagedFile = "registers.staged";
const snapshotChunkBytes = 64 * 1024;

export class RegisterMachine implements GroupMachine<WriteOutcome> {
  readonly #disk: Disk;
  #position: SnapshotPosition;
  #registers: Map<string, string>;
  #staged: StagedState | undefined;

  private constructor(disk: Disk, { position, registers }: SavedState) {
    this.#disk = disk;
    this.#position = position;
    this.#registers = new Map(registers.map(({ key, value }) => [key, value]));
  }

  static async open(disk: Disk): Promise<RegisterMachine> {
    const saved = await readWhole(disk, stateFile);
    const machine = new RegisterMachine(
      disk,
      saved === undefined ? emptyState : decode(savedStateCodec, saved),
    );
    const staged = await readWhole(disk, stagedFile);
    if (staged !== undefined) machine.#staged = machine.#stagedState(decode(savedStateCodec, staged));
    return machine;
  }

  get applied(): SnapshotPosition {
    return this.#position;
  }

  get staged(): StagedState | undefined {
    return this.#staged;
  }

  get(key: string): string | undefined {
    return this.#registers.get(key);
  }

  apply({ command }: CommittedEntry): WriteOutcome {
    const { key, value, expected } = decode(writeCommandCodec, command);
    if (expected !== undefined && expected !== (this.#registers.get(key) ?? "")) return "unexpected";
    this.#registers.set(key, value);
    return "written";
  }

  advance(position: SnapshotPosition): void {
    this.#position = position;
  }

  /** Resolves with the place up to which the state is durable; 0 while there is none. */
  async flush(): Promise<LogIndex> {
    const { index } = this.#position;
    if (index > 0) await replaceWhole(this.#disk, "", stateFile, this.#encoded());
    return index;
  }

  snapshot(): Promise<MachineSnapshot> {
    const body = inChunks(this.#encoded());
    return Promise.resolve({ position: this.#position, body, close: () => undefined });
  }

  async stage(position: SnapshotPosition, body: AsyncIterable<Uint8Array>): Promise<StagedState> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    const received = decode(savedStateCodec, concatBytes(chunks));
    const state = { position, registers: received.registers };
    await replaceWhole(this.#disk, "", stagedFile, encode(savedStateCodec, state));
    this.#staged = this.#stagedState(state);
    return this.#staged;
  }

  #encoded(): Uint8Array {
    const registers = Array.from(this.#registers, ([key, value]) => ({ key, value }));
    return encode(savedStateCodec, { position: this.#position, registers });
  }

  #stagedState(state: SavedState): StagedState {
    return {
      position: state.position,
      install: async () => {
        await replaceWhole(this.#disk, "", stateFile, encode(savedStateCodec, state));
        this.#position = state.position;
        this.#registers = new Map(state.registers.map(({ key, value }) => [key, value]));
        await this.#unstage();
      },
      discard: () => this.#unstage(),
    };
  }

  async #unstage(): Promise<void> {
    this.#staged = undefined;
    await this.#disk.remove(stagedFile);
    await this.#disk.syncDirectory("");
  }
}

async function* inChunks(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let i = 0; i < bytes.length; i += snapshotChunkBytes) yield bytes.slice(i, i + snapshotChunkBytes);
}
