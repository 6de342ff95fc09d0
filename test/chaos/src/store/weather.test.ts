import assert from "node:assert/strict";
import { test } from "node:test";
import { Weather } from "./weather.ts";

test("under strain every node owes service, as soon as beside a node in trouble; a node in trouble owes none", () => {
  let nowMs = 0;
  const weather = new Weather(3, () => nowMs);
  const calm = weather.expectation(0)?.withinMs ?? 0;
  nowMs = 5;
  weather.set([1]);
  const beside = weather.expectation(0)?.withinMs ?? 0;
  assert.ok(beside < calm);
  assert.equal(weather.expectation(1), undefined);
  nowMs = 9;
  weather.strain();
  for (const node of [0, 1, 2]) assert.deepEqual(weather.expectation(node), { sinceMs: 9, withinMs: beside });
  weather.set([]);
  assert.deepEqual(weather.expectation(1), { sinceMs: 9, withinMs: calm });
});

test("of five nodes two may be in trouble and the others owe service, of three only one", () => {
  const [five, three] = [new Weather(5, () => 0), new Weather(3, () => 0)];
  for (const weather of [five, three]) weather.set([0, 1]);
  assert.notEqual(five.expectation(2), undefined);
  assert.equal(three.expectation(2), undefined);
});
