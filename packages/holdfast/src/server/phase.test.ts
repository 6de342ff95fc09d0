import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "@holdfast/base";
import { listenHttp, realClock } from "@holdfast/host";
import { silentJournal } from "@holdfast/ports";
import { PhasedHandler } from "./phase.ts";

test("while a node starts and stops it is alive, not ready, and refuses what may be tried again", async () => {
  const phase = new PhasedHandler();
  const listening = { host: "127.0.0.1", port: 0, clock: realClock, journal: silentJournal };
  const listener = await listenHttp({ ...listening, handler: phase.handle });
  const ask = async (path: string): Promise<[number, string]> => {
    const answer = await fetch(`http://127.0.0.1:${listener.port}${path}`);
    return [answer.status, await answer.text()];
  };
  const refuses = async (code: string): Promise<void> => {
    assert.deepEqual(await ask("/healthz"), [200, "alive\n"]);
    const [status, text] = await ask("/readyz");
    assert.equal(status, 503);
    assert.partialDeepStrictEqual(JSON.parse(text), { ready: false, writable: false, code });
    const [refused, document] = await ask("/api/v1/buckets");
    assert.equal(refused, 503);
    assert.partialDeepStrictEqual(JSON.parse(document), { code, retryable: true, outcome: "not-applied" });
  };
  try {
    await refuses("Unavailable");
    phase.run(() => Promise.resolve({ status: 200, headers: {}, body: utf8("served") }));
    assert.deepEqual(await ask("/readyz"), [200, "served"]);
    phase.stop();
    await refuses("Stopped");
  } finally {
    await listener.close();
  }
});
