/** Answers other nodes' questions about the state of groups that are served here: whole states, and digests. */

import type { GroupId, NodeId } from "@holdfast/base";
import { DecodeError, decode, encode, StoreError } from "@holdfast/base";
import type { Exchange, Journal, NetworkReceiver } from "@holdfast/ports";
import { emptyBody, NetworkError } from "@holdfast/ports";
import type { GroupState, StateSnapshot } from "@holdfast/state";
import { StateCorruptError } from "@holdfast/state";
import type { DigestAt, StateAnswer, StateQuestion } from "./state-wire.ts";
import { stateAnswerCodec, stateQuestionCodec } from "./state-wire.ts";

/** A replica that is served here. */
export interface ServedState {
  readonly state: GroupState;
  readonly digests: readonly DigestAt[];
}

export interface StateServerPorts {
  /** Undefined without a replica that is open here and whole. */
  readonly served: (group: GroupId) => ServedState | undefined;
  readonly journal: Journal;
}

/** Each holds pages of the store. */
const statesMax = 2;

export class StateServer implements NetworkReceiver {
  readonly #ports: StateServerPorts;
  #states = 0;

  constructor(ports: StateServerPorts) {
    this.#ports = ports;
  }

  onFrame(): void {
    // It has none.
  }

  onDisconnect(): void {
    // Its exchanges break.
  }

  async onExchange(from: NodeId, { head }: Exchange, signal: AbortSignal): Promise<Exchange> {
    const question = questionIn(head);
    return question.kind === "digests" ? said(this.#digests(question)) : this.#state(from, question, signal);
  }

  #digests({ groups }: StateQuestion & { readonly kind: "digests" }): StateAnswer {
    const known = groups.flatMap((group) => {
      const served = this.#ports.served(group);
      return served === undefined ? [] : [{ group, digests: served.digests }];
    });
    return { kind: "digests", groups: known };
  }

  async #state(
    node: NodeId,
    { group, from }: StateQuestion & { readonly kind: "state" },
    signal: AbortSignal,
  ): Promise<Exchange> {
    const { served, journal } = this.#ports;
    const state = served(group)?.state;
    if (state === undefined) return refused("no whole replica of the group is there");
    if (state.appliedIndex < from) return refused("the replica there is behind");
    if (this.#states >= statesMax) return refused("other states are on their way from there");
    this.#states++;
    const end = (): void => void this.#states--;
    try {
      const snapshot = await state.snapshot();
      journal.info("state sent", { group, node, index: snapshot.position.index });
      return said({ kind: "state", position: snapshot.position }, closedBy(snapshot, signal, end));
    } catch (error) {
      end();
      if (error instanceof StateCorruptError || error instanceof StoreError)
        return refused("the state there is damaged");
      throw error;
    }
  }
}

/** Whatever becomes of the body, and though nobody reads it: `end` is called once. */
function closedBy(snapshot: StateSnapshot, signal: AbortSignal, end: () => void): AsyncIterable<Uint8Array> {
  let isOver = false;
  const close = (): void => {
    if (isOver) return;
    isOver = true;
    signal.removeEventListener("abort", close);
    snapshot.close();
    end();
  };
  signal.addEventListener("abort", close);
  if (signal.aborted) close();
  return (async function* body() {
    try {
      yield* snapshot.body;
    } finally {
      close();
    }
  })();
}

function questionIn(head: Uint8Array): StateQuestion {
  try {
    return decode(stateQuestionCodec, head);
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new NetworkError("refused", "that is no question about a group's state", { cause });
  }
}

function said(answer: StateAnswer, body: AsyncIterable<Uint8Array> = emptyBody): Exchange {
  return { head: encode(stateAnswerCodec, answer), body };
}

function refused(reason: string): Exchange {
  return said({ kind: "refused", reason });
}
