/** The staircase against a plain array that holds for every slot the ballot in which it was accepted last. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ballot } from "@holdfast/base";
import { ballot, logIndex, present, seededRandom, uniform } from "@holdfast/base";
import { command } from "../../test-support/entries.ts";
import type { Entry } from "../contract/entry.ts";
import { Acceptances } from "./acceptances.ts";

interface Slot {
  readonly entry: Entry;
  readonly acceptedIn: Ballot;
}

class Acceptor {
  readonly acceptances = new Acceptances([]);
  readonly slots: Slot[] = [];
  chosen = 0;

  /** A leader of this ballot proposes again what stands up to `through`, with some values replaced, then values of its own. */
  follow(of: Ballot, through: number, own: number, replaces: (index: number) => boolean): void {
    for (let index = this.chosen + 1; index <= through; index++) {
      const known = present(this.slots[index - 1], "a slot").entry;
      const entry = replaces(index) ? command(index, of - 1) : known;
      this.slots[index - 1] = { entry, acceptedIn: of };
    }
    if (through > this.chosen) this.acceptances.add(logIndex(through), of);
    for (let index = through + 1; index <= through + own; index++)
      this.slots[index - 1] = { entry: command(index, of), acceptedIn: of };
  }

  check(): void {
    for (const { entry, acceptedIn } of this.slots.slice(this.chosen))
      assert.equal(this.acceptances.ballotOf(entry), acceptedIn, `slot ${entry.index}`);
  }
}

test("acceptances: every slot that is not chosen is known with the ballot in which it was accepted last", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed);
    const acceptor = new Acceptor();
    for (let of = 2; of < 60; of += 2) {
      const { chosen, slots } = acceptor;
      const through = chosen + uniform(random, slots.length - chosen + 1);
      acceptor.follow(ballot(of), through, uniform(random, 4), () => uniform(random, 4) === 0);
      acceptor.check();
      if (uniform(random, 3) > 0) continue;
      acceptor.chosen += uniform(random, acceptor.slots.length - acceptor.chosen + 1);
      acceptor.acceptances.forget(logIndex(acceptor.chosen));
      acceptor.check();
    }
    const { steps } = acceptor.acceptances;
    for (const [i, step] of steps.entries()) {
      const next = steps[i + 1];
      assert.ok(step.through > acceptor.chosen, "nothing is kept of what is chosen");
      assert.ok(next === undefined || (next.through > step.through && next.ballot < step.ballot));
    }
  }
});

test("acceptances: leaders that propose again in order need one step each at the most", () => {
  const acceptances = new Acceptances([]);
  for (let of = 1; of <= 1_000; of++) acceptances.add(logIndex(5), ballot(of));
  assert.equal(acceptances.steps.length, 1);
});

test("acceptances: they are what they were when they are read again", () => {
  const acceptances = new Acceptances([]);
  acceptances.add(logIndex(9), ballot(3));
  acceptances.add(logIndex(6), ballot(7));
  const again = new Acceptances(acceptances.steps);
  for (let index = 4; index < 12; index++)
    for (const number of [1, 3, 5, 8])
      assert.equal(again.ballotOf(command(index, number)), acceptances.ballotOf(command(index, number)));
});
