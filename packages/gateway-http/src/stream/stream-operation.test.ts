// Asking for a stream, before any socket is upgraded.
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "@holdfast/base";
import type { RequestParts } from "../gateway-fixture.test.ts";
import { gatewayOver } from "../gateway-fixture.test.ts";

const random = seededRandom(1);
const asking: RequestParts = {
  path: "/api/v1/stream",
  query: "nonce=000102030405060708090a0b0c0d0e0f",
  unsigned: { connection: "keep-alive, Upgrade", upgrade: "WebSocket" },
};

test("a stream is for those who sign, as everything behind /api/v1", async () => {
  const gateway = gatewayOver({}, true, { random });
  assert.equal((await gateway.send(asking)).status, 101);
  assert.equal((await gateway.send({ ...asking, anonymous: true })).code, "AccessDenied");
  assert.equal((await gateway.send({ ...asking, secretKey: "other" })).code, "SignatureMismatch");
  assert.equal((await gateway.send({ ...asking, accessKey: "other" })).code, "InvalidAccessKey");
});

test("what asks for no WebSocket is told that a stream is one", async () => {
  const gateway = gatewayOver({}, true, { random });
  for (const unsigned of [
    {},
    { upgrade: "websocket" },
    { connection: "upgrade" },
    { connection: "upgrades", upgrade: "websocket" },
    { connection: "upgrade", upgrade: "h2c" },
  ]) {
    const { status, headers } = await gateway.send({ ...asking, unsigned });
    assert.deepEqual([status, headers["upgrade"]], [426, "websocket"]);
  }
});

test("the client's nonce is 16 bytes in lower-case hex", async () => {
  const gateway = gatewayOver({}, true, { random });
  for (const query of ["", "nonce=", "nonce=00", `nonce=${"0".repeat(33)}`, `nonce=${"A".repeat(32)}`]) {
    assert.equal((await gateway.send({ ...asking, query })).code, "InvalidArgument", query);
  }
});

test("a node without randomness has no streams", async () => {
  assert.equal((await gatewayOver({}).send(asking)).code, "NotImplemented");
});
