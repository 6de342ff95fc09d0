import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Layout, LayoutPreview } from "@holdfast/client";
import { Holdfast } from "holdfast";
import { run } from "./cli-process.ts";

suite("command line: ring", () => {
  let holdfast: Holdfast;
  before(async () => {
    holdfast = await Holdfast.start({ ephemeral: true });
  });
  after(() => holdfast.stop());

  const cli = (...args: readonly string[]): ReturnType<typeof run> =>
    run(["ring", ...args], { endpoint: holdfast.endpoint });

  test("show draws the node that is there, within 80 columns", async () => {
    const { code, stdout, stderr } = await cli("show", "--ascii");
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^layout 1 {2}- {2}1024 partitions {2}- {2}1 node in 1 zone\n/);
    assert.match(stdout, /zone zone-0\n {2}a [0-9a-f]{16} +#+ +1024 +100\.0 %/);
    for (const line of stdout.split("\n")) assert.match(line, /^[\x20-\x7e]{0,80}$/);
  });

  test("plan says what growth from one node to three would move, and changes nothing", async () => {
    const before = (await cli("show", "--json")).stdout;
    const growth = ["--join", "rack-2", "--join", "rack-3:2", "--redundancy", "replicas:1"];
    const { code, stdout, stderr } = await cli("plan", ...growth, "--redundancy", "replicas:3");
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^768 slots would move: 75\.0 % of what is stored on 1 slot\n/);
    assert.match(stdout, /\nnew-2 +512 +0\n/);
    assert.match(stdout, /zones 3 of 3/);
    assert.equal((await cli("show", "--json")).stdout, before);
    const json = await cli("plan", ...growth, "--json");
    const preview = JSON.parse(json.stdout) as LayoutPreview;
    assert.ok(preview.changes && preview.movedCount <= 1.1 * preview.leastCount);
    const { epoch } = JSON.parse(before) as Layout;
    assert.equal(preview.after.epoch, epoch + 1);
  });

  test("plan of what is so already says so", async () => {
    const { code, stdout } = await cli("plan");
    assert.deepEqual([code, stdout], [0, "Nothing would change.\n"]);
  });

  test("wrong input is refused with what to do: usage as 2, a node that is not there as 1", async () => {
    for (const wrong of [
      ["--join", ":3"],
      ["--join", "rack:many"],
      ["--weight", "0123456789abcdef"],
      ["--redundancy", "three"],
    ]) {
      const { code, stderr } = await cli("plan", ...wrong);
      assert.equal(code, 2, wrong.join(" "));
      assert.match(stderr, /such as/);
    }
    const absent = await cli("plan", "--leave", "0123456789abcdef");
    assert.equal(absent.code, 1);
    assert.match(absent.stderr, /NodeNotFound: The layout has no node 0123456789abcdef\.\n {2}next: /);
    const few = await cli("plan", "--redundancy", "replicas:3");
    assert.equal(few.code, 1);
    assert.match(few.stderr, /Partitions of 3 slots need 3 nodes that stay; there would be 1\./);
  });
});
