/** Memory of the server process while many large uploads run at once, against the same server at rest. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MiB } from "@holdfast/base";
import type { LoadPhase } from "../load/message.ts";
import { runLoad } from "../load/run-load.ts";
import type { Round, Row } from "../report.ts";
import { anonymousMiB, cpuSeconds, peakMemory } from "../servers/process-usage.ts";
import { accessKey, bucket, secretKey, startServerProcess } from "../servers/server-process.ts";

const uploads = 16;
const uploadBytes = 256 * MiB;
const roundCount = 3;
const peakMiBMax = 300;

export async function memorySuite(): Promise<readonly Row[]> {
  const rounds: Round[] = [];
  const notes: string[] = [];
  for (let i = 0; i < roundCount; i++) {
    const { round, note } = await measure();
    rounds.push(round);
    notes.push(note);
  }
  return [
    {
      name: `RssAnon, most during ${uploads} uploads of ${uploadBytes / MiB} MiB at once`,
      unit: "MiB",
      durable: "each file, before the answer",
      limitName: "the same server at rest",
      rounds,
      target: { of: "value", bound: "at most", is: peakMiBMax },
      notes,
    },
  ];
}

async function measure(): Promise<{ readonly round: Round; readonly note: string }> {
  const data = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  const server = await startServerProcess(data);
  try {
    const atRest = anonymousMiB(server.pid);
    const usedBefore = cpuSeconds(server.pid);
    const loading = runLoad({ ports: [server.port], connections: uploads, rounds: [phase] });
    const { result, peakMiB } = await peakMemory(server.pid, loading);
    const [load] = result;
    if (load === undefined) throw new Error("no result");
    const cpu = cpuSeconds(server.pid) - usedBefore;
    const rate = Math.round((uploads * uploadBytes) / 1e6 / load.seconds);
    const generatorCores = load.cpuSeconds / load.seconds;
    return {
      round: { value: peakMiB, limit: atRest, generatorCores },
      note: `${rate} MB/s, ${cpu.toFixed(1)} s of server CPU`,
    };
  } finally {
    await server.kill();
    await rm(data, { recursive: true, force: true });
  }
}

const phase: LoadPhase = {
  requestsPerConnection: 1,
  request: {
    method: "PUT",
    bucket,
    keyPrefix: "upload",
    keysPerConnection: 1,
    bodyBytes: uploadBytes,
    unsignedPayload: true,
    accessKey,
    secretKey,
  },
};
