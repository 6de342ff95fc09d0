import { raft } from "./protocol.ts";
import { runGroupSeed } from "./run-group-seed.ts";

const [from, count, ticks, lines] = process.argv.slice(2).map(Number);
const t0 = performance.now();
let total = 0,
  fails = 0,
  committed = 0,
  answers = 0;
const faults = new Map<string, number>();
for (let seed = from!; seed < from! + count!; seed++) {
  const r = runGroupSeed({ seed, protocol: raft, ticks: ticks!, linesMax: lines ?? 0 });
  total += r.ticks;
  committed += r.committed;
  answers += r.answers;
  for (const [k, v] of r.faults) faults.set(k, (faults.get(k) ?? 0) + v);
  if (r.failure) {
    fails++;
    if (fails <= 8) console.log(`seed ${seed} tick ${r.ticks}: ${r.failure.message.slice(0, 700)}`);
    for (const l of r.failure.lines) console.log(l.slice(0, 200));
  }
}
const s = (performance.now() - t0) / 1000;
console.log(
  `${count} seeds, ${fails} failed, ${total} ticks, ${(total / s).toFixed(0)} ticks/s, committed ${committed}, answers ${answers}`,
  Object.fromEntries(faults),
);
