import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError, decode, encode } from "@holdfast/base";
import { command } from "../../test-support/entries.ts";
import { promise } from "../../test-support/multipaxos-message.ts";
import { multiPaxosMessageCodec } from "./message-codec.ts";

test("message codec of multipaxos: a slot that was accepted before it was proposed is refused", () => {
  const bytes = encode(multiPaxosMessageCodec, promise(9, { slots: [[command(1, 5), 4]] }));
  assert.throws(() => decode(multiPaxosMessageCodec, bytes), DecodeError);
});
