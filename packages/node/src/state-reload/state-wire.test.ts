import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  ballot,
  DecodeError,
  decode,
  encode,
  groupId,
  logIndex,
  nodeId,
  seededRandom,
  toHex,
  utf8,
} from "@holdfast/base";
import { emptyBody, NetworkError } from "@holdfast/ports";
import { CollectingJournal, SimulatedKeyValue, simulatedHashing } from "@holdfast/ports/simulated";
import type { GroupState } from "@holdfast/state";
import { StateStore } from "@holdfast/state";
import { StateServer } from "./state-server.ts";
import type { StateAnswer, StateQuestion } from "./state-wire.ts";
import { stateAnswerCodec, stateQuestionCodec } from "./state-wire.ts";

const group = groupId(3);
const position = { index: logIndex(300), ballot: ballot(7), membership: utf8("m") };
const digests = [{ index: logIndex(300), digest: { low: 1, high: 2 } }];

suite("state wire: golden bytes", () => {
  const questions: readonly (readonly [StateQuestion, string])[] = [
    [{ kind: "state", group, from: logIndex(300) }, "0103ac02"],
    [{ kind: "digests", groups: [group, groupId(4)] }, "02020304"],
  ];
  const answers: readonly (readonly [StateAnswer, string])[] = [
    [{ kind: "state", position }, "01ac0207016d"],
    [{ kind: "digests", groups: [{ group, digests }] }, "02010301ac020000000100000002"],
    [{ kind: "refused", reason: "no" }, "03026e6f"],
  ];

  test("of questions and answers, both ways", () => {
    for (const [question, bytes] of questions) {
      assert.equal(toHex(encode(stateQuestionCodec, question)), bytes);
      assert.deepEqual(decode(stateQuestionCodec, encode(stateQuestionCodec, question)), question);
    }
    for (const [answer, bytes] of answers) {
      assert.equal(toHex(encode(stateAnswerCodec, answer)), bytes);
      assert.deepEqual(decode(stateAnswerCodec, encode(stateAnswerCodec, answer)), answer);
    }
  });

  test("more groups or digests than anybody asks for are refused before anything is made of them", () => {
    const groups = Array.from({ length: 1001 }, (_, i) => groupId(i));
    assert.throws(
      () => decode(stateQuestionCodec, encode(stateQuestionCodec, { kind: "digests", groups })),
      DecodeError,
    );
    const many = Array.from({ length: 65 }, () => digests[0] ?? assert.fail());
    const answer = { kind: "digests", groups: [{ group, digests: many }] } as const;
    assert.throws(() => decode(stateAnswerCodec, encode(stateAnswerCodec, answer)), DecodeError);
  });
});

suite("state server", () => {
  const from = nodeId("b".repeat(16));

  /** At index 2. */
  function served(): GroupState {
    const store = new SimulatedKeyValue({ random: seededRandom(1) });
    const state = new StateStore(store.mount(), simulatedHashing, (found) => found.condemn("rot")).group(
      group,
    );
    for (const index of [1, 2]) {
      state.put(utf8(`key-${index}`), utf8("value"));
      state.advance({ ...position, index: logIndex(index) });
    }
    return state;
  }

  async function asked(server: StateServer, question: StateQuestion, signal = new AbortController().signal) {
    const head = encode(stateQuestionCodec, question);
    const { head: said, body } = await server.onExchange(from, { head, body: emptyBody }, signal);
    return { answer: decode(stateAnswerCodec, said), body };
  }

  test("it refuses what is not open here, what is behind, and what is damaged", async () => {
    const state = served();
    const journal = new CollectingJournal();
    const server = new StateServer({
      served: (id) => (id === group ? { state, digests } : undefined),
      journal,
    });
    const reason = async (question: StateQuestion): Promise<string> => {
      const { answer } = await asked(server, question);
      return answer.kind === "refused" ? answer.reason : answer.kind;
    };
    assert.match(await reason({ kind: "state", group: groupId(9), from: logIndex(0) }), /no whole replica/);
    assert.match(await reason({ kind: "state", group, from: logIndex(3) }), /behind/);
    assert.equal(await reason({ kind: "state", group, from: logIndex(2) }), "state");
    state.condemn("for a test");
    assert.match(await reason({ kind: "state", group, from: logIndex(2) }), /damaged/);
    await assert.rejects(
      server.onExchange(from, { head: utf8("what?"), body: emptyBody }, new AbortController().signal),
      NetworkError,
    );
  });

  test("two states leave at once, and each makes room when it ends, is left, or its asker goes", async () => {
    const state = served();
    const server = new StateServer({ served: () => ({ state, digests }), journal: new CollectingJournal() });
    const question = { kind: "state", group, from: logIndex(2) } as const;
    const goes = new AbortController();
    const first = await asked(server, question, goes.signal);
    const second = await asked(server, question);
    assert.equal((await asked(server, question)).answer.kind, "refused");
    goes.abort();
    const third = await asked(server, question);
    assert.deepEqual([first.answer.kind, second.answer.kind, third.answer.kind], ["state", "state", "state"]);
    for await (const _ of second.body);
    for await (const _ of third.body) break;
    assert.equal((await asked(server, question)).answer.kind, "state");
    assert.equal((await asked(server, question)).answer.kind, "state");
    assert.equal((await asked(server, question)).answer.kind, "refused");
  });

  test("it tells the digests of what is open here", async () => {
    const state = served();
    const server = new StateServer({
      served: (id) => (id === group ? { state, digests } : undefined),
      journal: new CollectingJournal(),
    });
    const { answer } = await asked(server, { kind: "digests", groups: [group, groupId(9)] });
    assert.deepEqual(answer, { kind: "digests", groups: [{ group, digests }] });
  });
});
