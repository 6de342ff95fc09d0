import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { gatewayOver, nowMs } from "./gateway-fixture.test.ts";

const page = { path: "/metrics", anonymous: true } as const;
const far = { remoteAddress: "10.0.0.7" } as const;
const metricsToken = "a-token-of-mine-0123456789";

function bearer(token: string) {
  return { unsigned: { authorization: `Bearer ${token}` } };
}

suite("/metrics", () => {
  test("without a token is open on the node's own machine, and closed to all others", async () => {
    const gateway = gatewayOver({});
    for (const remoteAddress of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
      const { status, text, headers } = await gateway.send({ ...page, remoteAddress });
      assert.deepEqual([status, text], [200, "up 1\n"]);
      assert.match(headers["content-type"] ?? "", /version=0\.0\.4/);
    }
    const refused = await gateway.send({ ...page, ...far });
    assert.deepEqual([refused.status, refused.code], [403, "AccessDenied"]);
    assert.match(refused.text, /metricsToken/);
    assert.equal((await gateway.send({ ...page, ...far, ...bearer("guess") })).status, 403);
  });

  test("with a token asks everybody for it, and says nothing of it", async () => {
    const gateway = gatewayOver({}, true, { metricsToken });
    for (const from of [{}, far]) {
      assert.equal((await gateway.send({ ...page, ...from, ...bearer(metricsToken) })).status, 200);
      for (const wrong of ["", "x", `${metricsToken}x`, metricsToken.slice(1), metricsToken.toUpperCase()]) {
        const refused = await gateway.send({ ...page, ...from, ...bearer(wrong) });
        assert.equal(refused.status, 403, wrong);
        assert.ok(!refused.text.includes(metricsToken));
      }
      assert.equal((await gateway.send({ ...page, ...from })).status, 403);
    }
    assert.equal((await gateway.send({ path: "/healthz", anonymous: true, ...far })).status, 200);
  });

  test("gives up on values that do not come, by 503", async () => {
    let action: (() => void) | undefined;
    const after = (_: number, wake: () => void) => {
      action = wake;
      return { cancel: () => undefined };
    };
    const clock = { monotonicMs: () => 0, wallMs: () => nowMs, soon: () => undefined, after };
    const metrics = () => new Promise<never>(() => undefined);
    const asked = gatewayOver({}, true, { metrics, clock }).send(page);
    await Promise.resolve();
    action?.();
    assert.deepEqual([(await asked).status, (await asked).code], [503, "Unavailable"]);
  });

  test("is not there when nothing is counted", async () => {
    const { status } = await gatewayOver({}, true, { metrics: undefined as never }).send(page);
    assert.equal(status, 404);
  });
});

suite("/readyz", () => {
  test("is 200 on a full disk, so that deletes still come, and says that writes are refused", async () => {
    const full = { ready: true, writable: false, code: "OutOfSpace", reason: "full" } as const;
    const gateway = gatewayOver({}, true, { readiness: () => Promise.resolve(full) });
    const { status, text } = await gateway.send({ path: "/readyz", anonymous: true });
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text), full);
  });

  test("answers HEAD, and asks nobody to sign", async () => {
    for (const path of ["/healthz", "/readyz"])
      assert.equal(
        (await gatewayOver({}).send({ path, method: "HEAD", anonymous: true, ...far })).status,
        200,
      );
  });
});

suite("request ids", () => {
  test("stand in every answer, good or bad", async () => {
    const gateway = gatewayOver({ listBuckets: () => Promise.resolve([]) });
    for (const path of ["/api/v1/buckets", "/api/v1/none", "/healthz", "/none"])
      assert.equal((await gateway.send({ path })).headers["x-holdfast-request-id"], "r-1");
  });
});
