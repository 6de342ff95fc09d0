import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { crc32, StoreError } from "@holdfast/base";
import { certificateFingerprint } from "../authority/fingerprint.ts";
import type { JoinToken } from "./join-token.ts";
import { createJoinToken, newJoinSecret, parseJoinToken, tokenDigest } from "./join-token.ts";

const token: JoinToken = {
  clusterId: "7f0e2d4c6b8a9012",
  secret: Uint8Array.from({ length: 32 }, (_, i) => i),
  authority: Uint8Array.from({ length: 32 }, (_, i) => 255 - i),
  addresses: ["10.0.0.1:9002", "[2001:db8::1]:9002", "rack-2.example:9002"],
};
const golden =
  "hfjoin1.ARA3ZjBlMmQ0YzZiOGE5MDEyIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fIP_-_fz7-vn49_b19PPy8fDv7u3s6-rp6Ofm5eTj4uHg" +
  "Aw0xMC4wLjAuMTo5MDAyElsyMDAxOmRiODo6MV06OTAwMhNyYWNrLTIuZXhhbXBsZTo5MDAyA1-FYQ";

/** The reason, which never quotes what was given. */
function problemOf(text: string): string {
  try {
    parseJoinToken(text);
  } catch (error) {
    assert.ok(error instanceof StoreError && error.code === "InvalidToken", String(error));
    assert.ok(text.length < 12 || !error.message.includes(text.slice(-8)));
    return error.message;
  }
  return assert.fail("it was taken");
}

/** A token of these bytes with the right checksum. */
function wrapped(body: Uint8Array): string {
  const bytes = Buffer.concat([body, Buffer.alloc(4)]);
  bytes.writeUInt32BE(crc32(body), body.length);
  return `hfjoin1.${bytes.toString("base64url")}`;
}

suite("join token", () => {
  test("the text of a token is for ever what it was, and is read back", () => {
    assert.equal(createJoinToken(token), golden);
    assert.deepEqual(parseJoinToken(golden), token);
  });

  test("it is one word for every shell, and may be broken over lines", () => {
    assert.match(golden, /^[\w.-]+$/);
    assert.deepEqual(parseJoinToken(` ${golden.replace(/.{40}/g, "$&\r\n")}\n`), token);
  });

  test("cut off anywhere, or mistyped anywhere, it says that it is incomplete", () => {
    for (let length = 1; length < golden.length; length++)
      assert.match(problemOf(golden.slice(0, length)), /incomplete/, `${length}`);
    for (let i = "hfjoin1.".length; i < golden.length; i++) {
      const other = golden[i] === "A" ? "B" : "A";
      assert.match(problemOf(`${golden.slice(0, i)}${other}${golden.slice(i + 1)}`), /incomplete/, `${i}`);
    }
  });

  test("what is none says what to give instead", () => {
    for (const text of ["", "  ", "holdfast", "hfjoin.x", `x${golden}`])
      assert.match(problemOf(text), /holdfast cluster token/, text);
    assert.match(problemOf(golden.replace("hfjoin1", "hfjoin2")), /newer version/);
    assert.match(problemOf(`hfjoin1.${"A".repeat(9000)}`), /too long/);
  });

  test("a checksum does not make a token of other bytes", () => {
    const body = Buffer.from(golden.slice("hfjoin1.".length), "base64url").subarray(0, -4);
    assert.deepEqual(parseJoinToken(wrapped(body)), token);
    const newer = Uint8Array.from(body);
    newer[0] = 2;
    const noAddress = Uint8Array.from([...body.subarray(0, 18 + 33 + 33), 0]);
    for (const bytes of [newer, noAddress, body.subarray(0, -1), Buffer.alloc(0)])
      assert.match(problemOf(wrapped(bytes)), /newer version|incomplete/);
  });

  test("addresses that nobody could call are refused when it is made", () => {
    const seventeen = Array.from({ length: 17 }, (_, i) => `10.0.0.${i}:9002`);
    for (const addresses of [[], ["none"], ["10.0.0.1"], ["10.0.0.1:0"], ["10.0.0.1:70000"], seventeen])
      assert.throws(
        () => createJoinToken({ ...token, addresses }),
        (error) => error instanceof StoreError && error.code === "InvalidArgument",
      );
    assert.equal(
      parseJoinToken(createJoinToken({ ...token, addresses: seventeen.slice(1) })).addresses.length,
      16,
    );
  });

  test("a secret is never the same, and is kept as its SHA-256", () => {
    assert.notDeepEqual(newJoinSecret(), newJoinSecret());
    assert.equal(
      Buffer.from(tokenDigest(token.secret)).toString("hex"),
      "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd",
    );
    assert.throws(() => certificateFingerprint("nonsense"), /cannot be read/);
  });
});
