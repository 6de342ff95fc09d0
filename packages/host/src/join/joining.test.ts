import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { before, suite, test } from "node:test";
import type { TlsOptions } from "node:tls";
import { createServer } from "node:tls";
import { nodeId, StoreError, utf8, utf8Text } from "@holdfast/base";
import { allMetrics, NetworkError } from "@holdfast/ports";
import { RecordingReceiver } from "@holdfast/ports/contract";
import type { CollectingJournal } from "@holdfast/ports/simulated";
import { RecordingMetrics } from "@holdfast/ports/simulated";
import {
  clusterId,
  credentialsFor,
  makeAuthority,
  nodeA,
  nodeB,
  openTestNetwork,
  within,
} from "../../test-support/network-nodes.ts";
import { frameBytes, RawPeer } from "../../test-support/raw-peer.ts";
import type { StoredAuthority } from "../authority/cluster-authority.ts";
import { ClusterAuthority, createAuthority } from "../authority/cluster-authority.ts";
import { certificateFingerprint } from "../authority/fingerprint.ts";
import type { NodeCredentials } from "../authority/node-credentials.ts";
import { realClock } from "../clock.ts";
import { encodeHello, preface } from "../network/frame-format.ts";
import type { HostNetwork, OpenNetworkOptions } from "../network/host-network.ts";
import { secureRandom } from "../random.ts";
import type { AskToJoinOptions } from "./ask-to-join.ts";
import { askToJoin } from "./ask-to-join.ts";
import type { JoinAnswer, JoinRequest } from "./join-message.ts";
import { decodeJoinAnswer, encodeJoinRequest } from "./join-message.ts";
import type { JoinHandler } from "./join-server.ts";
import type { JoinToken } from "./join-token.ts";
import { newJoinSecret } from "./join-token.ts";

const context = { clock: realClock, random: secureRandom };
const secret = newJoinSecret();
const nowhere = "127.0.0.1:1";

let stored: StoredAuthority;
let authority: ClusterAuthority;
let credentialsA: NodeCredentials;

before(async () => {
  stored = await createAuthority(clusterId, context);
  authority = await ClusterAuthority.open(stored, context);
  credentialsA = await credentialsFor(authority, nodeA);
});

function tokenFor(...addresses: readonly string[]): JoinToken {
  return { clusterId, secret, authority: certificateFingerprint(stored.certificate), addresses };
}

/** Lets everybody in. */
async function admit({ certificateRequest, node }: JoinRequest): Promise<JoinAnswer> {
  const certificate = await authority.sign(certificateRequest, node);
  return { kind: "accepted", certificate, authority: stored, about: utf8("welcome") };
}

interface Host {
  readonly network: HostNetwork;
  readonly journal: CollectingJournal;
  readonly receiver: RecordingReceiver;
}

/** Node A, which knows node B and asks the handler about everybody who wants to join. */
async function openA(
  t: TestContext,
  handler: JoinHandler | undefined,
  options: Partial<OpenNetworkOptions> = {},
): Promise<Host> {
  const opened = await openTestNetwork(t, { self: nodeA, security: credentialsA, ...options });
  const receiver = new RecordingReceiver();
  opened.network.listen(receiver);
  opened.network.setPeers([{ id: nodeB, address: nowhere }]);
  if (handler !== undefined) opened.network.serveJoins(handler);
  return { ...opened, receiver };
}

function ask(token: JoinToken, options: Partial<AskToJoinOptions> = {}): ReturnType<typeof askToJoin> {
  return within(
    20_000,
    "the answer",
    askToJoin({ token, node: nodeB, purpose: "join", about: utf8("zone b"), clock: realClock, ...options }),
  );
}

async function errorOf(asking: Promise<unknown>): Promise<StoreError> {
  const error: unknown = await asking.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof StoreError, String(error));
  return error;
}

function refusals(journal: CollectingJournal): string[] {
  return journal.lines
    .filter(({ event }) => event === "network.connection.refused")
    .map(({ fields }) => String(fields["reason"]));
}

function callRaw(t: TestContext, { network }: Host): RawPeer {
  return RawPeer.tls(t, network.address, { ALPNProtocols: ["holdfast-join/1"], minVersion: "TLSv1.3" });
}

const request = (): Uint8Array =>
  encodeJoinRequest({ secret, node: nodeB, certificateRequest: "none", purpose: "join", about: utf8("") });

/** What a raw caller was told. */
function answerIn(received: string): JoinAnswer {
  return decodeJoinAnswer(new Uint8Array(Buffer.from(received, "latin1").subarray(4)));
}

suite("joining", () => {
  test("a node with a token becomes one of the cluster: it is given a certificate, and speaks with the others by it", async (t) => {
    const asked: JoinRequest[] = [];
    const a = await openA(t, (each) => {
      asked.push(each);
      return admit(each);
    });
    const joined = await ask(tokenFor(a.network.address));
    assert.deepEqual(asked[0]?.secret, secret);
    assert.equal(asked[0].node, nodeB);
    assert.equal(utf8Text(asked[0].about), "zone b");
    assert.equal(utf8Text(joined.about), "welcome");
    assert.deepEqual(joined.authority, stored);
    const { network: b } = await openTestNetwork(t, { self: nodeB, security: joined.credentials });
    const atB = new RecordingReceiver();
    b.listen(atB);
    b.setPeers([{ id: nodeA, address: a.network.address }]);
    a.network.setPeers([{ id: nodeB, address: b.address }]);
    await within(10_000, "a connection", atB.untilHeard("connect"));
    assert.ok(b.send(nodeA, utf8("hello")));
    await within(10_000, "a frame", a.receiver.untilHeard("frame"));
    assert.ok(
      a.journal.lines.some(
        ({ event, fields }) => event === "network.join.accepted" && fields["peer"] === nodeB,
      ),
    );
  });

  test("it may be repeated, and gets a certificate for another key", async (t) => {
    const a = await openA(t, admit);
    const token = tokenFor(a.network.address);
    const [first, second] = [await ask(token), await ask(token)];
    assert.notEqual(first.credentials.key, second.credentials.key);
  });

  test("who was let in can let others in", async (t) => {
    const joined = await ask(tokenFor((await openA(t, admit)).network.address));
    const own = await ClusterAuthority.open(joined.authority, context);
    const { network } = await openTestNetwork(t, { self: nodeB, security: joined.credentials });
    network.serveJoins(async ({ certificateRequest, node }) => ({
      kind: "accepted",
      certificate: await own.sign(certificateRequest, node),
      authority: joined.authority,
      about: utf8("from B"),
    }));
    const third = await ask(tokenFor(network.address), { node: nodeId("cccccccccccccccc") });
    assert.equal(utf8Text(third.about), "from B");
  });

  test("who cannot be reached, and who cannot decide now, is passed over", async (t) => {
    const [first, silent, last] = [
      await openA(t, () => Promise.reject(new StoreError("Unavailable", "no leader"))),
      await openA(t, undefined),
      await openA(t, admit),
    ];
    await ask(tokenFor(nowhere, first.network.address, silent.network.address, last.network.address));
    const error = await errorOf(ask(tokenFor(nowhere, first.network.address)));
    assert.equal(error.code, "Unavailable");
    assert.match(error.message, /127\.0\.0\.1:1: it cannot be reached: .*no leader/);
    const nobody = await errorOf(ask(tokenFor(nowhere)));
    assert.equal(nobody.code, "Unavailable");
    assert.match(nobody.message, /check that these nodes run/);
  });

  test("a refusal comes with its code, and no other node is asked", async (t) => {
    let asked = 0;
    const first = await openA(t, () => {
      asked++;
      return Promise.reject(new StoreError("InvalidToken", "the token was used"));
    });
    const second = await openA(t, (each) => {
      asked++;
      return admit(each);
    });
    const error = await errorOf(ask(tokenFor(first.network.address, second.network.address)));
    assert.deepEqual(
      [error.code, error.message, error.retryable],
      ["InvalidToken", "the token was used", false],
    );
    const refusing = await openA(t, () =>
      Promise.resolve({ kind: "refused", code: "NodeConflict", message: "known" }),
    );
    assert.equal((await errorOf(ask(tokenFor(refusing.network.address)))).code, "NodeConflict");
    assert.equal(asked, 1);
    assert.deepEqual(refusals(first.journal), ["refused-join"]);
  });

  test("what fails inside is told to the journal, not to the caller", async (t) => {
    const a = await openA(t, () => Promise.reject(new Error("the disk is on fire")));
    const error = await errorOf(ask(tokenFor(a.network.address)));
    assert.equal(error.code, "Internal");
    assert.doesNotMatch(error.message, /fire/);
    const line = a.journal.lines.find(({ event }) => event === "network.join.failed");
    assert.match(String(line?.fields["message"]), /fire/);
    const tooMuch = await openA(t, async (each) => ({
      ...(await admit(each)),
      about: new Uint8Array(2 ** 18),
    }));
    assert.equal((await errorOf(ask(tokenFor(tooMuch.network.address)))).code, "Internal");
  });

  test("nobody joins without security", async (t) => {
    const { network } = await openTestNetwork(t, { self: nodeA, security: "none" });
    assert.throws(() => network.serveJoins(admit), NetworkError);
    assert.equal((await errorOf(ask(tokenFor(network.address)))).code, "Unavailable");
  });

  test("no line of the journal and no error holds the secret", async (t) => {
    const a = await openA(t, () => Promise.reject(new StoreError("InvalidToken", "no")));
    const error = await errorOf(ask(tokenFor(a.network.address, nowhere)));
    const said = JSON.stringify([a.journal.lines, error.message, error.fields]);
    for (const encoding of ["hex", "base64", "base64url"] as const)
      assert.ok(!said.includes(Buffer.from(secret).toString(encoding)));
  });
});

suite("who is asked has to be the cluster of the token", () => {
  /** What is said to a server with this certificate, and what it received. */
  async function askAt(
    cert: string,
    key: string,
    protocols: Pick<TlsOptions, "ALPNProtocols"> = { ALPNProtocols: ["holdfast-join/1"] },
  ): Promise<{ error: StoreError; received: string }> {
    let received = "";
    const server = createServer({ cert, key, ...protocols });
    server.on("secureConnection", (socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Buffer) => {
        received += chunk.toString("latin1");
      });
    });
    server.on("tlsClientError", () => undefined);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const closed = once(server, "close");
    const error = await errorOf(ask(tokenFor(`127.0.0.1:${port}`), { limits: { joinTimeoutMs: 200 } }));
    server.close();
    await within(10_000, "the end of the server", closed);
    return { error, received };
  }

  /** It names the right authority, whose key it does not have. */
  const forger = async (): Promise<ClusterAuthority> =>
    ClusterAuthority.open({ ...stored, key: (await createAuthority(clusterId, context)).key }, context);

  const chain = (leaf: NodeCredentials, issuer: string = leaf.authority): string =>
    `${leaf.certificate}\n${issuer}`;

  test("the right one is sent the secret (so that the tests below show something)", async () => {
    const { error, received } = await askAt(chain(credentialsA), credentialsA.key);
    assert.equal(error.code, "OutcomeUnknown");
    assert.ok(received.includes(Buffer.from(secret).toString("latin1")));
  });

  const cases: readonly (readonly [string, RegExp, () => Promise<readonly [string, string]>])[] = [
    [
      "another authority of the same name",
      /does not show the authority that the token names/,
      async () => {
        const other = await credentialsFor(await makeAuthority(), nodeA);
        return [chain(other), other.key];
      },
    ],
    [
      "a certificate that another authority signed, with the right authority's beside it",
      /not signed by this cluster's authority/,
      async () => {
        const other = await credentialsFor(await makeAuthority(), nodeA);
        return [chain(other, stored.certificate), other.key];
      },
    ],
    [
      "a certificate that names the right authority, forged",
      /not signed by this cluster's authority/,
      async () => {
        const forged = await credentialsFor(await forger(), nodeA);
        return [chain(forged), forged.key];
      },
    ],
    [
      "a certificate without its authority's",
      /does not show the authority/,
      async () => [credentialsA.certificate, credentialsA.key],
    ],
    [
      "the authority itself, which is no node",
      /names no node/,
      async () => [`${stored.certificate}\n${stored.certificate}`, stored.key],
    ],
    [
      "a certificate that has expired",
      /expired on/,
      async () => {
        const expired = await credentialsFor(authority, nodeA, -30 * 60 * 1000);
        return [chain(expired), expired.key];
      },
    ],
    [
      "a certificate that is not valid yet",
      /one of the clocks is wrong/,
      async () => {
        const clock = { ...realClock, wallMs: () => realClock.wallMs() + 2 * 60 * 60 * 1000 };
        const early = await ClusterAuthority.open(stored, { ...context, clock });
        const credentials = await credentialsFor(early, nodeA);
        return [chain(credentials), credentials.key];
      },
    ],
  ];
  for (const [what, message, make] of cases)
    test(`${what}: refused, and nothing is sent`, async () => {
      const { error, received } = await askAt(...(await make()));
      assert.equal(error.code, "Unavailable");
      assert.match(error.message, message);
      assert.equal(received, "");
    });

  test("who speaks another protocol: refused, and nothing is sent", async () => {
    for (const protocols of [{}, { ALPNProtocols: ["http/1.1"] }]) {
      const { error, received } = await askAt(chain(credentialsA), credentialsA.key, protocols);
      assert.equal(error.code, "Unavailable");
      assert.equal(received, "");
    }
  });

  test("a token of another cluster's id under this authority: refused, and nothing reaches the node", async (t) => {
    const a = await openA(t, admit);
    const error = await errorOf(ask({ ...tokenFor(a.network.address), clusterId: "another" }));
    assert.match(error.message, /one of cluster cluster-1, this one is another/);
    assert.deepEqual(refusals(a.journal), []);
  });

  test("an answer that is not for this key, this node or this cluster is not taken", async (t) => {
    const foreign = await createAuthority(clusterId, context);
    const ofForeign = await ClusterAuthority.open(foreign, context);
    const answers: readonly ((each: JoinRequest) => Promise<Partial<JoinAnswer>>)[] = [
      async () => ({ certificate: (await credentialsFor(authority, nodeB)).certificate }),
      async (each) => ({ certificate: await authority.sign(each.certificateRequest, nodeA) }),
      async (each) => ({ certificate: await ofForeign.sign(each.certificateRequest, nodeB) }),
      async (each) => ({ certificate: await (await forger()).sign(each.certificateRequest, nodeB) }),
      async () => ({ certificate: "nonsense" }),
      async (each) => ({
        certificate: await ofForeign.sign(each.certificateRequest, nodeB),
        authority: foreign,
      }),
      async () => ({ authority: { ...stored, key: foreign.key } }),
      async () => ({ authority: { ...stored, key: "nonsense" } }),
      async () => ({ authority: { ...stored, certificate: "nonsense" } }),
    ];
    for (const change of answers) {
      const a = await openA(
        t,
        async (each) => ({ ...(await admit(each)), ...(await change(each)) }) as JoinAnswer,
      );
      const error = await errorOf(ask(tokenFor(a.network.address)));
      assert.equal(error.code, "OutcomeUnknown");
      assert.match(error.message, /its answer is of no use/);
    }
  });
});

suite("callers that nobody knows", () => {
  const never = (): Promise<JoinAnswer> => assert.fail("it reached the handler");

  const malformed: readonly (readonly [string, Uint8Array])[] = [
    ["a length beyond the bound", Uint8Array.of(0, 4, 0, 1)],
    ["the largest length", Uint8Array.of(255, 255, 255, 255)],
    ["nonsense", Uint8Array.of(0, 0, 0, 3, 1, 2, 3)],
    ["another version", Uint8Array.of(0, 0, 0, 1, 2)],
    ["an empty message", Uint8Array.of(0, 0, 0, 0)],
    ["bytes behind the request", Buffer.concat([request(), Buffer.from("x")])],
    [
      "the greeting of a node",
      Buffer.concat([
        preface(),
        frameBytes("hello", encodeHello({ clusterId, node: nodeB, incarnation: "1" })),
      ]),
    ],
    [
      "an exchange",
      utf8(`POST /exchange/1 HTTP/1.1\r\nholdfast-cluster: ${clusterId}\r\nholdfast-node: ${nodeB}\r\n\r\n`),
    ],
  ];
  for (const [what, bytes] of malformed)
    test(`${what}: refused with a line, and reaches nobody`, async (t) => {
      const a = await openA(t, never);
      const raw = callRaw(t, a);
      raw.write(bytes);
      const answer = answerIn(await raw.untilClosed());
      assert.ok(answer.kind === "refused" && answer.code === "InvalidRequest");
      assert.deepEqual(refusals(a.journal), ["bad-join"]);
      assert.equal(a.receiver.heard.length, 0);
    });

  test("a request that is never whole is cut off", async (t) => {
    const a = await openA(t, never, { limits: { helloTimeoutMs: 100 } });
    const [slow, silent] = [callRaw(t, a), callRaw(t, a)];
    slow.write(request().subarray(0, 20));
    assert.deepEqual(await Promise.all([slow.untilClosed(), silent.untilClosed()]), ["", ""]);
    assert.deepEqual(refusals(a.journal), ["late-join"]);
  });

  test("who goes away before it has asked is no fault", async (t) => {
    const a = await openA(t, never, { limits: { joinsMax: 1 } });
    const raw = callRaw(t, a);
    await once(raw.socket, "secureConnect");
    raw.write(request().subarray(0, 20));
    raw.socket.end();
    await raw.untilClosed();
    a.network.serveJoins(admit);
    // The place is free again.
    await ask(tokenFor(a.network.address));
    assert.deepEqual(refusals(a.journal), []);
  });

  test("joins at once are bounded; beyond, the caller is told to come again, and a place that is left is free", async (t) => {
    const begun = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const metrics = new RecordingMetrics();
    const waiting: JoinHandler = async (each) => {
      begun.resolve();
      await go.promise;
      return admit(each);
    };
    const a = await openA(t, waiting, { limits: { joinsMax: 1 }, metrics });
    const first = ask(tokenFor(a.network.address));
    await begun.promise;
    const error = await errorOf(ask(tokenFor(a.network.address)));
    assert.ok(error.code === "Overloaded" && error.retryable, String(error));
    assert.equal(await metrics.value(allMetrics.networkRefusedConnections, { reason: "too-many-joins" }), 1);
    go.resolve();
    await first;
    await ask(tokenFor(a.network.address));
  });

  test("they count as unknown until they are gone", async (t) => {
    const a = await openA(t, admit, { limits: { unknownConnectionsMax: 2 } });
    const quiet = [callRaw(t, a), callRaw(t, a)];
    await Promise.all(quiet.map((raw) => once(raw.socket, "secureConnect")));
    await callRaw(t, a).untilClosed();
    assert.ok(refusals(a.journal).includes("too-many"));
    for (const raw of quiet) raw.socket.destroy();
  });

  test("more bytes while the answer is made end the connection, and the handler hears of it", async (t) => {
    const asked = Promise.withResolvers<AbortSignal>();
    const gone = Promise.withResolvers<void>();
    const a = await openA(t, (_, signal) => {
      signal.addEventListener("abort", () => gone.resolve());
      asked.resolve(signal);
      return new Promise(() => undefined);
    });
    const raw = callRaw(t, a);
    raw.write(request());
    await asked.promise;
    raw.write(utf8("more"));
    assert.equal(await raw.untilClosed(), "");
    await within(5000, "the signal", gone.promise);
  });

  test("an answer that takes too long is waited for neither by the server nor by the caller", async (t) => {
    const gone = Promise.withResolvers<void>();
    const hanging: JoinHandler = (_, signal) => {
      signal.addEventListener("abort", () => gone.resolve());
      return new Promise(() => undefined);
    };
    const a = await openA(t, hanging, { limits: { joinTimeoutMs: 100 } });
    const error = await errorOf(ask(tokenFor(a.network.address)));
    assert.equal(error.code, "OutcomeUnknown");
    assert.match(error.message, /without an answer.*ask again with the same token/);
    await within(5000, "the signal", gone.promise);
    assert.deepEqual(refusals(a.journal), []);
    const patient = await openA(t, hanging);
    const late = await errorOf(ask(tokenFor(patient.network.address), { limits: { joinTimeoutMs: 100 } }));
    assert.match(late.message, /did not answer in time/);
  });

  test("who is stopped while it joins stops", async (t) => {
    const begun = Promise.withResolvers<void>();
    const a = await openA(t, () => {
      begun.resolve();
      return new Promise(() => undefined);
    });
    const stop = new AbortController();
    const asking = errorOf(ask(tokenFor(a.network.address), { signal: stop.signal }));
    await begun.promise;
    stop.abort();
    assert.equal((await asking).code, "Stopped");
    assert.equal((await errorOf(ask(tokenFor(a.network.address), { signal: stop.signal }))).code, "Stopped");
  });
});
