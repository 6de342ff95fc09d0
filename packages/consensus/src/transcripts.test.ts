/**
 * The scripts in testdata/transcripts say what happens to a group: those in `scripts` to a group of any protocol, those in
 * `scripts-NAME` to one of that protocol alone. What its replicas did then is recorded in the folder of the protocol.
 * `UPDATE_TRANSCRIPTS=1` records anew: to be read as a diff before it is believed.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { playScript } from "../test-support/transcript/play-script.ts";
import type { TranscriptProtocol } from "../test-support/transcript/protocol.ts";
import { multiPaxosTranscripts, raftTranscripts } from "../test-support/transcript/protocol.ts";
import type { Envelope } from "./contract/consensus.ts";

const folder = new URL("../testdata/transcripts/", import.meta.url);
const updates = process.env["UPDATE_TRANSCRIPTS"] === "1";

function scriptsIn(name: string): readonly URL[] {
  const scripts = new URL(`${name}/`, folder);
  return readdirSync(scripts).map((file) => new URL(file, scripts));
}

function nameOf({ pathname }: URL): string {
  return pathname.slice(pathname.lastIndexOf("/") + 1);
}

function compare<Message extends Envelope>(protocol: TranscriptProtocol<Message>): void {
  const recordings = new URL(`${protocol.name}/`, folder);
  const scripts = [...scriptsIn("scripts"), ...scriptsIn(`scripts-${protocol.name}`)];

  for (const script of scripts)
    test(`transcript ${protocol.name}: ${nameOf(script).replace(".txt", "")} is as recorded`, () => {
      const played = playScript(protocol, readFileSync(script, "utf8"));
      const recording = new URL(nameOf(script), recordings);
      if (updates) writeFileSync(recording, played);
      assert.equal(played, readFileSync(recording, "utf8"));
    });

  test(`transcript ${protocol.name}: every recording has one script`, () => {
    assert.deepEqual(readdirSync(recordings).sort(), scripts.map(nameOf).sort());
  });
}

compare(raftTranscripts);
compare(multiPaxosTranscripts);
