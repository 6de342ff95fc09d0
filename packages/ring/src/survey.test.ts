import assert from "node:assert/strict";
import { test } from "node:test";
import { surveyCluster, surveyMembers } from "./survey.ts";

/** A part of what `npm run bench -- ring` goes through. */
for (const nodeCount of [3, 4, 5, 8, 20]) {
  test(`${nodeCount} nodes, 1 to 7 zones: balance within 5 %, no zone rule broken, moves at most 1.1 of the least`, () => {
    for (const zoneCount of [1, 2, 3, 4, 5, 7]) {
      for (const width of [1, 3, 6]) {
        if (zoneCount > nodeCount || width > nodeCount) continue;
        const members = surveyMembers(nodeCount, zoneCount, "mixed", 10 * nodeCount + zoneCount);
        const survey = surveyCluster({ members, width, partitionBits: 9, changesMax: 2 });
        assert.ok(survey.maxOverShare <= 1.05, `${zoneCount} zones, width ${width}: ${survey.maxOverShare}`);
        assert.equal(survey.zoneRuleBrokenCount, 0);
        for (const { kind, movedCount, leastCount } of survey.changes)
          assert.ok(movedCount <= 1.1 * leastCount, `${kind}: ${movedCount} of ${leastCount}`);
      }
    }
  });
}

test("100 nodes of weights 1 to 4 in 7 zones", () => {
  const members = surveyMembers(100, 7, "mixed", 1);
  const survey = surveyCluster({ members, width: 3, partitionBits: 11, changesMax: 1 });
  assert.ok(survey.maxOverShare <= 1.05 && survey.zoneRuleBrokenCount === 0);
});
