import assert from "node:assert/strict";
import { test } from "node:test";
import { createJoinToken, newJoinSecret } from "@holdfast/host";
import { UsageError } from "../command-line/failure.ts";
import { membershipOf } from "./membership.ts";

function token(address: string): string {
  const authority = new Uint8Array(32);
  return createJoinToken({
    clusterId: "cluster-1",
    secret: newJoinSecret(),
    authority,
    addresses: [address],
  });
}

test("membership: without a token a node founds its cluster, of the protocol that was asked for", async () => {
  assert.deepEqual(await membershipOf({}, { HOLDFAST_JOIN_TOKEN: "" }), {
    join: undefined,
    rejoin: undefined,
    consensus: undefined,
  });
  assert.equal((await membershipOf({ consensus: "multipaxos" }, {})).consensus, "multipaxos");
  await assert.rejects(membershipOf({ consensus: "paxos" }, {}), /raft or multipaxos, not "paxos"/);
});

test("membership: the token of the flag wins over that of the environment", async () => {
  const environment = { HOLDFAST_JOIN_TOKEN: token("10.0.0.1:9002") };
  assert.deepEqual((await membershipOf({}, environment)).join?.addresses, ["10.0.0.1:9002"]);
  const { join } = await membershipOf({ join: token("10.0.0.2:9002") }, environment);
  assert.deepEqual(join?.addresses, ["10.0.0.2:9002"]);
});

test("membership: a token that is no good is refused by its source, and never quoted", async () => {
  const cut = token("10.0.0.1:9002").slice(0, -5);
  for (const [flags, environment, source] of [
    [{ join: cut }, {}, "--join"],
    [{}, { HOLDFAST_JOIN_TOKEN: cut }, "HOLDFAST_JOIN_TOKEN"],
  ] as const)
    await assert.rejects(
      membershipOf(flags, environment),
      (error: Error) =>
        error instanceof UsageError &&
        error.message.startsWith(`${source}: `) &&
        error.message.includes("copy all of it") &&
        !error.message.includes(cut.slice(-8)),
    );
});

test("membership: a node that lost its log comes back by a token, which is not one to join by", async () => {
  const [text, other] = [token("10.0.0.1:9002"), token("10.0.0.2:9002")];
  const { join, rejoin } = await membershipOf({ rejoin: text }, { HOLDFAST_REJOIN_TOKEN: other });
  assert.deepEqual([join, rejoin?.addresses], [undefined, ["10.0.0.1:9002"]]);
  const fromEnvironment = await membershipOf({}, { HOLDFAST_REJOIN_TOKEN: other });
  assert.deepEqual(fromEnvironment.rejoin?.addresses, ["10.0.0.2:9002"]);
  await assert.rejects(membershipOf({ rejoin: text, join: other }, {}), /leave one of them out/);
  await assert.rejects(membershipOf({ rejoin: text, consensus: "raft" }, {}), /--rejoin leads to/);
});

test("membership: who joins does not choose the protocol", async () => {
  const join = token("10.0.0.1:9002");
  await assert.rejects(
    membershipOf({ join, consensus: "raft" }, {}),
    /--join leads to has its protocol already/,
  );
});
