/**
 * The scripts in testdata/transcripts/scripts say what happens to a group; what its replicas did then is recorded beside
 * them, per protocol. `UPDATE_TRANSCRIPTS=1` records anew: to be read as a diff before it is believed.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { playScript } from "../test-support/transcript/play-script.ts";
import { raftTranscripts } from "../test-support/transcript/protocol.ts";

const folder = new URL("../testdata/transcripts/", import.meta.url);
const scripts = readdirSync(new URL("scripts/", folder)).sort();
const updates = process.env["UPDATE_TRANSCRIPTS"] === "1";

for (const protocol of [raftTranscripts]) {
  const recordings = new URL(`${protocol.name}/`, folder);

  for (const script of scripts)
    test(`transcript ${protocol.name}: ${script.replace(".txt", "")} is as recorded`, () => {
      const played = playScript(protocol, readFileSync(new URL(`scripts/${script}`, folder), "utf8"));
      const recording = new URL(script, recordings);
      if (updates) writeFileSync(recording, played);
      assert.equal(played, readFileSync(recording, "utf8"));
    });

  test(`transcript ${protocol.name}: every recording has its script`, () => {
    assert.deepEqual(readdirSync(recordings).sort(), scripts);
  });
}
