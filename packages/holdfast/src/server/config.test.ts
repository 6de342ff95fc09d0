import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "../command-line/failure.ts";
import { checkConfig, environmentConfig, resolveConfig } from "./config.ts";
import { isLoopback } from "./credentials.ts";
import { listenAddressText, parseListenAddress, urlOf } from "./listen-address.ts";
import { loadServerConfig } from "./run-server.ts";

const data = "/data";

test("config: a data directory is enough; everything listens on loopback", () => {
  const config = resolveConfig([{ data }]);
  assert.deepEqual(config.s3, { host: "127.0.0.1", port: 9000 });
  assert.deepEqual(config.http, { host: "127.0.0.1", port: 9001 });
  assert.equal(config.region, "us-east-1");
  assert.throws(() => resolveConfig([{}]), UsageError);
});

test("config: later layers win, and what they leave open does not", () => {
  const config = resolveConfig([
    { data, s3: ":1", log: "warn" },
    { s3: ":2", http: undefined },
  ]);
  assert.equal(config.s3.port, 2);
  assert.equal(config.log, "warn");
});

test("config: nothing listens beyond loopback with the development keys", () => {
  const own = { accessKey: "admin", secretKey: "a-secret-of-mine" };
  for (const open of [
    { s3: "0.0.0.0:9000" },
    { http: "192.168.1.2:80" },
    { http: "[::]:80" },
    { s3: "store.example:80" },
  ]) {
    assert.throws(() => resolveConfig([{ data, ...open }]), /development keys/);
    assert.throws(
      () => resolveConfig([{ data, ...open, accessKey: "admin", secretKey: "holdfast-dev-secret" }]),
      UsageError,
    );
    assert.equal(resolveConfig([{ data, ...open, ...own }]).root.accessKey, "admin");
  }
});

test("config: loopback is what the machine itself can reach alone", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost"]) assert.ok(isLoopback(host), host);
  for (const host of ["127.0.0.1.example", "0.0.0.0", "::", "10.0.0.1", "localhost.example"])
    assert.ok(!isLoopback(host), host);
});

test("config: keys come in pairs", () => {
  assert.throws(() => resolveConfig([{ data, accessKey: "admin" }]), /belong together/);
  assert.throws(() => environmentConfig({ HOLDFAST_SECRET_KEY: "0123456789" }), /belong together/);
  assert.deepEqual(environmentConfig({ HOLDFAST_SECRET_KEY: "" }), {
    accessKey: undefined,
    secretKey: undefined,
  });
});

test("config: unknown names and wrong kinds are refused by name, and values are never quoted", () => {
  assert.throws(() => checkConfig({ prot: 1 }, "config.yaml"), /config\.yaml: .*prot/);
  assert.throws(
    () => checkConfig({ secretKey: "päss wörd" }, "config.yaml"),
    (error: Error) => error.message.includes("secretKey") && !error.message.includes("wörd"),
  );
});

test("config: nothing shares a port, except a free one", () => {
  for (const [names, addresses] of [
    ["s3 and http", { s3: ":9", http: ":9" }],
    ["s3 and rpc", { s3: ":9", rpc: ":9" }],
    ["http and rpc", { http: ":9", rpc: ":9" }],
    ["http and rpc", { rpc: ":9001" }],
    ["s3 and rpc", { s3: "0.0.0.0:9000", rpc: ":9000", accessKey: "me-myself", secretKey: "a-secret-key" }],
  ] as const)
    assert.throws(() => resolveConfig([{ data, ...addresses }]), new RegExp(`${names} cannot both listen`));
  assert.equal(resolveConfig([{ data, s3: ":0", http: ":0", rpc: ":0" }]).http.port, 0);
  assert.equal(resolveConfig([{ data, rpc: "127.0.0.2:9000" }]).rpc?.host, "127.0.0.2");
});

test("config: where other nodes reach this one, its zone and its weight", () => {
  const alone = resolveConfig([{ data }]);
  assert.deepEqual([alone.rpc, alone.zone, alone.weight], [undefined, undefined, undefined]);
  const placed = resolveConfig([{ data, rpc: "10.0.0.2:9002", zone: "rack-2", weight: 1000 }]);
  assert.deepEqual([placed.rpc?.host, placed.zone, placed.weight], ["10.0.0.2", "rack-2", 1000]);
  for (const weight of [0, 1001, 1.5]) assert.throws(() => checkConfig({ weight }, "x"), /x: weight/);
  for (const zone of ["", "a b", "-a", "z".repeat(64)])
    assert.throws(() => checkConfig({ zone }, "x"), /x: zone/);
  assert.throws(() => resolveConfig([{ data, rpc: "nowhere" }]), /no address to listen on/);
});

test("config: flags say where the node is; a weight is a number", async () => {
  const flags = { data: "/nowhere/at/all", rpc: ":7", zone: "a", weight: "3" };
  const config = await loadServerConfig(flags, {});
  assert.deepEqual([config.rpc?.port, config.zone, config.weight], [7, "a", 3]);
  for (const weight of ["0", "1001", "-1", "1.5", "ten", ""])
    await assert.rejects(
      loadServerConfig({ ...flags, weight }, {}),
      /--weight is a whole number from 1 to 1000/,
    );
});

test("config: other nodes are let in by certificates, whatever the keys", () => {
  assert.equal(resolveConfig([{ data, rpc: "10.0.0.2:9002" }]).rpc?.host, "10.0.0.2");
});

test("config: an address that nobody could call is refused for rpc", () => {
  for (const rpc of ["0.0.0.0:9002", "[::]:9002"])
    assert.throws(() => resolveConfig([{ data, rpc }]), /give an address of this machine/);
});

test("listen address: host and port, a port alone, IPv6 in brackets", () => {
  assert.deepEqual(parseListenAddress("9000"), { host: "127.0.0.1", port: 9000 });
  assert.deepEqual(parseListenAddress(":9000"), { host: "127.0.0.1", port: 9000 });
  assert.deepEqual(parseListenAddress("[::1]:80"), { host: "::1", port: 80 });
  assert.equal(listenAddressText({ host: "::1", port: 80 }), "[::1]:80");
  assert.equal(urlOf({ host: "0.0.0.0", port: 80 }), "http://127.0.0.1:80");
  for (const text of ["", "x", "127.0.0.1", "1:2:3", "host:65536", "http://x:1"]) {
    assert.throws(() => parseListenAddress(text), UsageError, text);
  }
});
