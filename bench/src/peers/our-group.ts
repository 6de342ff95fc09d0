/** Three voters of one of our protocols in one process, without I/O, run in the same way as the peer. */

import { ballot, logIndex, seededRandom } from "@holdfast/base";
import type { Consensus, ConsensusProtocol, Envelope } from "@holdfast/consensus";
import { defaultConsensusLimits, replicaId } from "@holdfast/consensus";
import type { PeerGroup } from "./coaty-raft.ts";

const ids = [1, 2, 3].map(replicaId);

export function ourGroup<Message extends Envelope>(
  protocol: ConsensusProtocol<Message>,
  command: string,
): PeerGroup {
  const bytes = new TextEncoder().encode(command);
  const membership = { voters: ids, outgoing: [], learners: [] };
  const applied = { index: logIndex(0), ballot: ballot(0), membership };
  const restored = { hardState: undefined, applied, entries: [], lost: undefined };
  const nodes = ids.map((id) =>
    protocol.create({ id, random: seededRandom(id), restored, limits: defaultConsensusLimits }),
  );
  const [leader] = nodes;
  if (leader === undefined) throw new Error("no nodes");
  let queue: Message[] = [];
  const send = (message: Message): void => {
    queue.push(message);
  };
  const run = (): number => {
    let committed = 0;
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const node of nodes) {
        for (let count = work(node, send); count !== undefined; count = work(node, send)) {
          isBusy = true;
          if (node === leader) committed += count;
        }
      }
      const arriving = queue;
      queue = [];
      for (const message of arriving) nodes[message.to - 1]?.step(message);
    }
    return committed;
  };
  leader.campaign();
  run();
  return {
    commit: (count) => {
      for (let i = 0; i < count; i++) {
        const answer = leader.propose(bytes);
        if (answer.kind !== "proposed") throw new Error(`a proposal was refused: ${answer.kind}`);
      }
      return run();
    },
  };
}

/** Does what there is to do; gives the commands that it may apply, or undefined when there was nothing. */
function work<Message extends Envelope>(
  node: Consensus<Message>,
  send: (message: Message) => void,
): number | undefined {
  const ready = node.ready();
  if (ready === undefined) return undefined;
  for (const message of ready.messages) send(message);
  if (ready.write !== undefined) {
    for (const message of ready.write.replies) send(message);
    node.advance({ written: ready.write.sequence });
  }
  const last = ready.committed.at(-1);
  if (last === undefined) return 0;
  node.advance({ applied: last.index });
  let count = 0;
  for (const { kind } of ready.committed) if (kind === "command") count++;
  return count;
}
