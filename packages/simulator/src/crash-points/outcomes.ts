/**
 * What a crash may leave. Every place with unsynced changes (a sector, a length, a name, the batches of a store) keeps
 * some number of them, the first ones; an outcome is one answer per place.
 *
 * Bounds: up to `exhaustiveMax` outcomes all of them are taken. Beyond, these: nothing kept, everything kept, the first
 * half of the places only, the second half only (later writes without earlier ones), single places lost, single places
 * kept (evenly spread, `singlesMax` of each), and `sampledCount` drawn by seed.
 */

import type { Random } from "@holdfast/base";
import { uniform } from "@holdfast/base";
import type { Fate } from "@holdfast/ports/simulated";
import type { SimulatedMachine } from "../machine/simulated-machine.ts";

export interface Outcome {
  readonly text: string;
  readonly isExhaustive: boolean;
  readonly crash: (machine: SimulatedMachine) => void;
}

export interface OutcomeBounds {
  readonly exhaustiveMax: number;
  readonly singlesMax: number;
  readonly sampledCount: number;
}

/** `probe` is a fork that may be spoiled. */
export function outcomesOf(
  probe: SimulatedMachine,
  random: Random,
  bounds: OutcomeBounds,
): readonly Outcome[] {
  const changesCounts: number[] = [];
  probe.powerLoss(fateOf((changesCount) => (changesCounts.push(changesCount), changesCount)));
  const total = changesCounts.reduce((product, changesCount) => product * (changesCount + 1), 1);
  const isExhaustive = total <= bounds.exhaustiveMax;
  const lists = isExhaustive ? allAnswers(changesCounts) : someAnswers(changesCounts, random, bounds);
  const killed: Outcome = { text: "kill", isExhaustive, crash: (machine) => machine.kill() };
  return [killed, ...[...lists].map((answers) => powerLoss(answers, isExhaustive))];
}

function powerLoss(answers: readonly number[], isExhaustive: boolean): Outcome {
  const text = `power loss, kept ${answers.length === 0 ? "all there was" : shorten(answers.join(" "))}`;
  return {
    text,
    isExhaustive,
    crash: (machine) => {
      let asked = 0;
      machine.powerLoss(fateOf((changesCount) => Math.min(changesCount, answers[asked++] ?? 0)));
    },
  };
}

export const losesEverything: Outcome = {
  text: "power loss, nothing kept",
  isExhaustive: false,
  crash: (machine) => machine.powerLoss(fateOf(() => 0)),
};
export const keepsEverything: Outcome = {
  text: "power loss, everything kept",
  isExhaustive: false,
  crash: (machine) => machine.powerLoss(fateOf((changesCount) => changesCount)),
};

export function byChance(random: Random): Outcome {
  return {
    text: "power loss by chance",
    isExhaustive: false,
    crash: (machine) => machine.powerLoss(fateOf((changesCount) => uniform(random, changesCount + 1))),
  };
}

function fateOf(kept: (changesCount: number) => number): Fate {
  return { begin: () => undefined, kept };
}

function* allAnswers(changesCounts: readonly number[]): Iterable<readonly number[]> {
  const answers = changesCounts.map(() => 0);
  for (;;) {
    yield [...answers];
    const place = answers.findLastIndex((answer, i) => answer < (changesCounts[i] ?? 0));
    if (place < 0) return;
    answers[place] = (answers[place] ?? 0) + 1;
    answers.fill(0, place + 1);
  }
}

function* someAnswers(
  changesCounts: readonly number[],
  random: Random,
  { singlesMax, sampledCount }: OutcomeBounds,
): Iterable<readonly number[]> {
  const none = changesCounts.map(() => 0);
  const half = Math.floor(changesCounts.length / 2);
  yield none;
  yield changesCounts;
  yield changesCounts.map((all, i) => (i < half ? all : 0));
  yield changesCounts.map((all, i) => (i < half ? 0 : all));
  const singles = Math.min(singlesMax, changesCounts.length);
  for (let single = 0; single < singles; single++) {
    const place = Math.floor((single * changesCounts.length) / singles);
    yield changesCounts.map((all, i) => (i === place ? all - 1 : all));
    yield changesCounts.map((all, i) => (i === place ? all : 0));
  }
  for (let i = 0; i < sampledCount; i++) yield changesCounts.map((all) => uniform(random, all + 1));
}

function shorten(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 120)}...`;
}
