// What is sent again when nobody knows what became of it, over a transport that answers as it is told.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { suite, test } from "node:test";
import { crc32 } from "node:zlib";
import { StoreError, utf8 } from "@holdfast/base";
import type { Effect } from "./effect.ts";
import { Requests } from "./requests.ts";
import type { TransportResponse } from "./transport.ts";
import { TransportFailure } from "./transport.ts";

type Step = "lost" | "half" | "done" | { readonly code: string };

function requestsOver(steps: readonly Step[], retryMs = 10_000) {
  let nowMs = 0;
  const seen: Step[] = [];
  const send = async (): Promise<TransportResponse> => {
    const step = steps[seen.length] ?? "done";
    seen.push(step);
    if (step === "lost") throw new TransportFailure("all", new Error("cut"));
    async function* body(): AsyncGenerator<Uint8Array> {
      if (typeof step === "object") yield utf8(JSON.stringify({ code: step.code, message: step.code }));
      else yield utf8('{"ok":');
      if (step === "half") throw new Error("cut in the middle of the answer");
      if (step === "done") yield utf8("true}");
    }
    const status = typeof step === "object" ? 412 : 200;
    return { status, headers: {}, body: body(), cancel: () => undefined };
  };
  const platform = {
    transport: { send, close: () => undefined },
    sha256: (data: Uint8Array) => createHash("sha256").update(data).digest(),
    crc32: (data: Uint8Array, seed: number) => crc32(data, seed),
    wallMs: () => nowMs,
    sleep: (delayMs: number) => {
      nowMs += delayMs;
      return Promise.resolve();
    },
    random: () => 0.5,
    localFiles: undefined,
  };
  const endpoints = [{ origin: "http://h:1", authority: "h:1", isLoopback: true }];
  const requests = new Requests({ endpoints, accessKey: "a", secretKey: "s", retryMs, platform });
  const ask = (effect: Effect) => requests.ask({ method: "PUT", path: "/x", effect });
  return { ask, seen };
}

async function failureOf(promise: Promise<unknown>): Promise<StoreError> {
  const error = await promise.catch((cause: unknown) => cause);
  assert.ok(error instanceof StoreError, String(error));
  return error;
}

suite("requests", () => {
  test("a write whose answer is lost is sent again only if the store applies it once", async () => {
    for (const lost of ["lost", "half"] as const) {
      const once = requestsOver([lost, lost]);
      assert.deepEqual(await once.ask("once"), { ok: true });
      assert.equal(once.seen.length, 3);
      const plain = requestsOver([lost]);
      assert.equal((await failureOf(plain.ask("write"))).outcome, "unknown");
      assert.equal(plain.seen.length, 1);
    }
  });

  test("a refusal behind a try that may have taken effect is still an unknown outcome", async () => {
    const error = await failureOf(requestsOver(["lost", { code: "ConditionFailed" }]).ask("once"));
    assert.deepEqual([error.code, error.outcome], ["OutcomeUnknown", "unknown"]);
    const refused = await failureOf(requestsOver([{ code: "ConditionFailed" }]).ask("once"));
    assert.deepEqual([refused.code, refused.outcome], ["ConditionFailed", "not-applied"]);
  });

  test("what was never answered is an unknown outcome also when time is up", async () => {
    const { ask, seen } = requestsOver(
      Array.from({ length: 100 }, () => "lost" as const),
      1000,
    );
    assert.equal((await failureOf(ask("once"))).outcome, "unknown");
    assert.ok(seen.length > 3 && seen.length < 20);
  });

  test("an answer that breaks off is asked for again by reads", async () => {
    const { ask, seen } = requestsOver(["half", "lost", "half"]);
    assert.deepEqual(await ask("read"), { ok: true });
    assert.equal(seen.length, 4);
  });
});
