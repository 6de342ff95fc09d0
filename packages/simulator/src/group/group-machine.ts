/** The replicated state machine of a simulated group, as its host and its clients see it. */

export interface WriteCommand {
  readonly writer: number;
  readonly attempt: number;
  readonly key: number;
  readonly value: number;
}

/** What an entry did: which attempt it carried out or found carried out, and at which index that was. */
export interface Executed {
  readonly writer: number;
  readonly attempt: number;
  readonly index: number;
}

export interface GroupMachine {
  /** Equal states have equal ones. */
  readonly digest: number;
  /** Undefined for an attempt that came too late. */
  apply(index: number, payload: Uint8Array): Executed | undefined;
  snapshot(): MachineSnapshot;
}

/** A state that stays as it is. */
export interface MachineSnapshot {
  /** A machine of its own that goes on from here. */
  open(): GroupMachine;
}

export interface MachineKind {
  readonly empty: MachineSnapshot;
  /** What a client has to do before its first write: the index at which it was done is its writer's number. */
  readonly openWriter: ((client: number) => Uint8Array) | undefined;
  encodeWrite(command: WriteCommand): Uint8Array;
}
