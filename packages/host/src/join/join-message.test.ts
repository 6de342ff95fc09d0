import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  concatBytes,
  DecodeError,
  fromHex,
  nodeId,
  present,
  seededRandom,
  toHex,
  uniform,
  utf8,
} from "@holdfast/base";
import type { JoinAnswer, JoinRequest } from "./join-message.ts";
import {
  decodeJoinAnswer,
  decodeJoinRequest,
  encodeJoinAnswer,
  encodeJoinRequest,
  joinMessageBytesMax,
} from "./join-message.ts";
import { MessageReader } from "./message-reader.ts";

const request: JoinRequest = {
  secret: Uint8Array.from({ length: 32 }, (_, i) => i),
  node: nodeId("0123456789abcdef"),
  certificateRequest: "PEM",
  about: utf8("zone a"),
  purpose: "rejoin",
};
const accepted: JoinAnswer = {
  kind: "accepted",
  certificate: "C",
  authority: { certificate: "A", key: "K" },
  about: utf8("hi"),
};
const refused: JoinAnswer = { kind: "refused", code: "InvalidToken", message: "no" };

/** Without the length in front. */
const body = (bytes: Uint8Array): Uint8Array => bytes.subarray(4);

suite("join messages", () => {
  test("their bytes are for ever what they were, and are read back", () => {
    const fields =
      "20000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" +
      "1030313233343536373839616263646566" +
      "0350454d067a6f6e652061";
    assert.equal(toHex(encodeJoinRequest(request)), `0000003f02${fields}01`);
    const before = present(fromHex(`01${fields}`), "bytes of version 1");
    assert.deepEqual(decodeJoinRequest(before), { ...request, purpose: "join" });
    assert.equal(toHex(encodeJoinAnswer(accepted)), "0000000b010101430141014b026869");
    assert.equal(toHex(encodeJoinAnswer(refused)), "0000001201020c496e76616c6964546f6b656e026e6f");
    assert.deepEqual(decodeJoinRequest(body(encodeJoinRequest(request))), request);
    for (const answer of [accepted, refused])
      assert.deepEqual(decodeJoinAnswer(body(encodeJoinAnswer(answer))), answer);
  });

  test("what no node would send is refused, and another version by its number", () => {
    const bytes = body(encodeJoinRequest(request));
    for (let length = 0; length < bytes.length; length++)
      assert.throws(() => decodeJoinRequest(bytes.subarray(0, length)), DecodeError);
    assert.throws(() => decodeJoinRequest(concatBytes([bytes, utf8("x")])), DecodeError);
    assert.throws(
      () => decodeJoinRequest(body(encodeJoinRequest({ ...request, node: nodeId("x") }))),
      /node id/,
    );
    const short = { ...request, secret: request.secret.subarray(1) };
    assert.throws(() => decodeJoinRequest(body(encodeJoinRequest(short))), /secret/);
    const newer = bytes.slice();
    newer[0] = 3;
    assert.throws(() => decodeJoinRequest(newer), /version 3/);
  });

  test("a refusal is short and printable, and a code of a later version is taken for an internal error", () => {
    const message = `\u001b[2J${"x".repeat(5000)}`;
    const answer = decodeJoinAnswer(body(encodeJoinAnswer({ ...refused, message })));
    assert.ok(
      answer.kind === "refused" && answer.message.length === 1024 && answer.message.startsWith("?[2J"),
    );
    const bytes = body(encodeJoinAnswer(refused));
    bytes.set(utf8("InvalidTokex"), 3);
    assert.deepEqual(decodeJoinAnswer(bytes), { ...refused, code: "Internal" });
  });

  test("a message beyond the bound is not sent", () => {
    const about = new Uint8Array(joinMessageBytesMax);
    assert.throws(() => encodeJoinRequest({ ...request, about }), RangeError);
    assert.throws(() => encodeJoinAnswer({ ...accepted, about }), RangeError);
  });
});

suite("reading one message", () => {
  const message = encodeJoinRequest(request);

  test("it is put together whichever way it comes in pieces", () => {
    const random = seededRandom(7);
    for (let round = 0; round < 200; round++) {
      const reader = new MessageReader();
      let whole: Uint8Array | undefined;
      for (let offset = 0; offset < message.length; ) {
        assert.equal(whole, undefined);
        const end = offset + 1 + uniform(random, 1 + (round % 40));
        whole = reader.push(message.subarray(offset, end));
        offset = Math.min(end, message.length);
      }
      assert.deepEqual(whole, body(message));
    }
  });

  test("a length beyond the bound is refused before anything else comes, and so is what comes behind a message", () => {
    const long = Uint8Array.of(0, 4, 0, 1);
    assert.throws(() => new MessageReader().push(long), DecodeError);
    assert.throws(() => new MessageReader().push(Uint8Array.of(255, 255, 255, 255)), DecodeError);
    assert.equal(new MessageReader().push(Uint8Array.of(0, 4, 0, 0)), undefined);
    assert.throws(() => new MessageReader().push(concatBytes([message, utf8("x")])), /1 bytes behind/);
  });
});
