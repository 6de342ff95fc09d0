/** Whatever arrives at a replica, in between all that a host does. */

import assert from "node:assert/strict";
import type { Random } from "@holdfast/base";
import { decode, encode, seededRandom, uniform } from "@holdfast/base";
import type { Envelope } from "../src/contract/consensus.ts";
import { replicaId } from "../src/contract/replica-id.ts";
import type { ConsensusProtocol } from "../src/protocols.ts";
import type { MessageRange } from "./random-fields.ts";
import type { ReplicaBench } from "./replica-bench.ts";

export interface Hostility<Message extends Envelope> {
  readonly protocol: ConsensusProtocol<Message>;
  readonly randomMessage: (random: Random, range: MessageRange) => Message;
}

/** So small that every bound is met. */
export const tightLimits = {
  windowBytesMax: 200,
  inflightMessagesMax: 3,
  uncommittedBytesMax: 2_000,
  messageBytesMax: 300,
};

/** No assertion trips, and what it answers can be encoded. */
export function assertStands<Message extends Envelope>(
  { protocol, randomMessage }: Hostility<Message>,
  create: () => ReplicaBench<Message>,
): void {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const replica = create();
    for (let i = 0; i < 150; i++) {
      replica.core.step(randomMessage(random, rangeOf(replica)));
      replica.core.checkInvariants();
      if (uniform(random, 3) === 0) assertSendable(protocol, replica.pump());
      if (uniform(random, 4) === 0) hostStep(replica, random);
      replica.core.checkInvariants();
    }
    assertSendable(protocol, replica.settle());
  }
}

/** Messages that are refused leave no trace. */
export function assertRefusalsChangeNothing<Message extends Envelope>(
  { randomMessage }: Hostility<Message>,
  create: () => ReplicaBench<Message>,
): void {
  const random = seededRandom(1);
  const replica = create();
  replica.settle();
  let refused = 0;
  for (let i = 0; i < 3_000; i++) {
    const before = replica.core.status();
    const followers = replica.core.followers();
    const refusal = replica.refusalOf(randomMessage(random, rangeOf(replica)));
    if (refusal === undefined) continue;
    refused++;
    assert.deepEqual(replica.core.status(), before);
    assert.deepEqual(replica.core.followers(), followers);
  }
  assert.ok(refused > 100);
}

function rangeOf<Message extends Envelope>({ core }: ReplicaBench<Message>): MessageRange {
  const { id: to, ballot, lastIndex: index } = core.status();
  return { to, ballot, index, isWild: true };
}

function assertSendable<Message extends Envelope>(
  { messageCodec }: ConsensusProtocol<Message>,
  messages: readonly Message[],
): void {
  for (const message of messages)
    assert.deepEqual(decode(messageCodec, encode(messageCodec, message)), message);
}

function hostStep<Message extends Envelope>(replica: ReplicaBench<Message>, random: Random): void {
  const { core } = replica;
  switch (uniform(random, 12)) {
    case 0:
      return core.tick();
    case 1:
      return core.campaign();
    case 2:
      core.propose(random.bytes(5));
      return;
    case 3:
      return core.readIndex(uniform(random, 100));
    case 4:
      core.transferLeader(replicaId(1 + uniform(random, 5)));
      return;
    case 5: {
      const voters = [1, 2 + uniform(random, 3), 5 + uniform(random, 3)].map(replicaId);
      core.proposeChange({ voters, learners: [] });
      return;
    }
    case 6:
      return core.reportSnapshot(
        replicaId(1 + uniform(random, 5)),
        random.uint32() % 2 === 0 ? "failed" : "delivered",
      );
    case 7:
      return core.reportUnreachable(replicaId(1 + uniform(random, 5)));
    case 8: {
      const fetch = replica.fetches.shift();
      if (fetch !== undefined) core.provide({ kind: "compacted", to: fetch.to });
      return;
    }
    default:
      replica.settle();
  }
}
