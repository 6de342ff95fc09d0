/** Reed-Solomon 4+2 against a copy of the same bytes, and the kernel against its plain twin. Rates count data bytes. */

import { KiB, MiB, seededRandom } from "@holdfast/base";
import type { Multiplier } from "@holdfast/erasure";
import { createErasureCoder, fastestMultiplier, plainMultiplier } from "@holdfast/erasure";
import type { Round, Row, Target } from "../report.ts";

const code = { dataFragments: 4, parityFragments: 2 };
const roundCount = 5;
const encodeMin: Target = { of: "value", bound: "at least", is: 5 };
/** Work of one measurement, long beside the clock and short beside the machine's moods. */
const bytesPerRound = 512 * MiB;
const plainBytesPerRound = 32 * MiB;

export async function erasureSuite(): Promise<readonly Row[]> {
  const rows = [MiB, 4 * MiB].flatMap((blockBytes) => [
    {
      ...row("encode 4+2", blockBytes, encoding(blockBytes, fastestMultiplier()), copying(blockBytes)),
      target: encodeMin,
    },
    row("rebuild 2 lost data fragments of 4+2", blockBytes, rebuilding(blockBytes), copying(blockBytes)),
    row(
      "encode 4+2",
      blockBytes,
      encoding(blockBytes, fastestMultiplier()),
      encoding(blockBytes, plainMultiplier),
    ),
  ]);
  return Promise.resolve(rows);
}

/** A way to work on a block once. */
interface Work {
  readonly name: string;
  readonly bytesPerRound: number;
  run(): void;
}

function row(name: string, blockBytes: number, ours: Work, limit: Work): Row {
  const rounds: Round[] = [];
  for (const work of [ours, limit]) gigabytesPerSecond(work, blockBytes);
  for (let i = 0; i < roundCount; i++)
    rounds.push({
      value: gigabytesPerSecond(ours, blockBytes),
      limit: gigabytesPerSecond(limit, blockBytes),
      generatorCores: 0,
    });
  return {
    name: `${name}, blocks of ${blockBytes / MiB} MiB in fragments of ${blockBytes / code.dataFragments / KiB} KiB, ${ours.name}`,
    unit: "GB/s of data, by CPU time",
    durable: "nothing",
    limitName: limit.name,
    rounds,
  };
}

function encoding(blockBytes: number, multiplier: Multiplier): Work {
  const coder = createErasureCoder(code, multiplier);
  const block = seededRandom(1).bytes(blockBytes);
  const bytes = coder.fragmentBytes(blockBytes);
  const parity = Array.from({ length: code.parityFragments }, () => new Uint8Array(bytes));
  return {
    name: multiplier.name,
    bytesPerRound: multiplier === plainMultiplier ? plainBytesPerRound : bytesPerRound,
    run: () => coder.encodeInto(block, parity),
  };
}

function rebuilding(blockBytes: number): Work {
  const coder = createErasureCoder(code);
  const left = coder
    .encode(seededRandom(2).bytes(blockBytes))
    .map((fragment, i) => (i < 2 ? undefined : fragment));
  const into = [0, 1].map(() => new Uint8Array(coder.fragmentBytes(blockBytes)));
  return {
    name: coder.multiplierName,
    bytesPerRound,
    run: () => {
      if (coder.rebuild(left, [0, 1], into).kind !== "rebuilt") throw new Error("not rebuilt");
    },
  };
}

function copying(blockBytes: number): Work {
  const from = seededRandom(3).bytes(blockBytes);
  const to = new Uint8Array(blockBytes);
  return { name: "memcpy of the data", bytesPerRound, run: () => to.set(from) };
}

/** By the CPU time of this thread: what the core does for others meanwhile says nothing about the code. */
function gigabytesPerSecond(work: Work, blockBytes: number): number {
  const count = work.bytesPerRound / blockBytes;
  const before = process.threadCpuUsage();
  for (let i = 0; i < count; i++) work.run();
  const { user, system } = process.threadCpuUsage(before);
  return (count * blockBytes) / 1e3 / (user + system);
}
