import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decode, encode, fromHex, nodeId, present, toHex } from "@holdfast/base";
import { completed, layoutOf } from "../test-support/clusters.ts";
import { createLayout, nextLayout } from "./change-layout.ts";
import type { Layout, PartitionTable } from "./layout.ts";
import { layoutCodec } from "./layout-codec.ts";
import type { Member } from "./member.ts";
import { blockHash, partitionOfHash } from "./partition.ts";
import { virtualNodePosition } from "./virtual-nodes.ts";

type GoldenMember = readonly [id: string, zone: string, weight: number];

interface Golden {
  readonly virtualNodes: readonly { readonly id: string; readonly positions: readonly number[] }[];
  readonly blocks: readonly {
    readonly key: string;
    readonly hash: number;
    readonly partitions: Readonly<Record<string, number>>;
  }[];
  readonly clusters: readonly {
    readonly partitionBits: number;
    readonly shardCount: number;
    readonly members: readonly GoldenMember[];
    readonly changed: readonly GoldenMember[];
    readonly widths: readonly number[];
    /** Of each width, one row for each partition, its nodes in base 36: of the members, then of the changed ones. */
    readonly tables: readonly string[];
    readonly voters: readonly string[];
  }[];
  readonly layout: string;
}

const path = new URL("../testdata/golden.json", import.meta.url);
const golden: Golden = JSON.parse(readFileSync(path, "utf8"));

test("golden: virtual nodes stand where they always stood", () => {
  for (const { id, positions } of golden.virtualNodes)
    assert.deepEqual(
      positions.map((_, number) => virtualNodePosition(id, number)),
      positions,
    );
});

test("golden: blocks lie in the partitions in which they always lay", () => {
  for (const { key, hash, partitions } of golden.blocks) {
    assert.equal(blockHash(present(fromHex(key), "hex")), hash);
    for (const [bits, partition] of Object.entries(partitions))
      assert.equal(partitionOfHash(hash, Number(bits)), partition);
  }
});

test("golden: every node and every version comes to the same tables, first and changed ones", () => {
  for (const { partitionBits, shardCount, members, changed, widths, tables, voters } of golden.clusters) {
    const first = layoutOf(
      createLayout({ partitionBits, shardCount, members: members.map(goldenMember), widths }),
    );
    const next = layoutOf(nextLayout(first, changed.map(goldenMember)));
    assert.deepEqual([...first.tables, ...next.tables].map(rowsText), tables);
    assert.deepEqual([first, next].map(votersText), voters);
  }
});

test("golden: layouts of old programs are read, and written alike", () => {
  const bytes = present(fromHex(golden.layout), "hex");
  const layout = decode(layoutCodec, bytes);
  assert.equal(toHex(encode(layoutCodec, layout)), golden.layout);
  assert.deepEqual(
    layout.tables.map(({ width }) => width),
    [1, 3],
  );
  assert.notDeepEqual(completed(layout), layout, "it has joint partitions");
});

function goldenMember([id, zone, weight]: GoldenMember): Member {
  return { id: nodeId(id), zone, weight, draining: false };
}

function rowsText({ width, slots }: Pick<PartitionTable, "width" | "slots">): string {
  const rows: string[] = [];
  for (let first = 0; first < slots.length; first += width)
    rows.push(Array.from(slots.subarray(first, first + width), (node) => node.toString(36)).join(""));
  return rows.join(" ");
}

function votersText({ voters }: Layout): string {
  return rowsText(voters);
}
