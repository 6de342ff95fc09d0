/** The layout: who holds what, and what a change of it would move. For the operator, who holds the root key. */

import { StoreError } from "@holdfast/base";
import type { LayoutProposal, LayoutView } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import type { JsonObject } from "./json.ts";
import { isObject, jsonAnswer, readJson, refuseUnknownMembers } from "./json.ts";
import type { ApiCall, Operation } from "./operation.ts";
import { requireRoot } from "./require-root.ts";

const columnsMin = 60;
const columnsMax = 400;
const columnsDefault = 80;
/** Of every list in a proposal: more nodes than a layout has. */
const itemsMax = 1024;

async function showLayout(call: ApiCall): Promise<HttpResponse> {
  requireRoot(call);
  return jsonAnswer(200, documentOf(call, await call.context.cluster.layout()));
}

async function previewLayout(call: ApiCall): Promise<HttpResponse> {
  requireRoot(call);
  const { context, request, caller } = call;
  const document = (await readJson(request, caller.payload, context.hashing)) ?? {};
  const { changes, plan, after } = await context.cluster.preview(proposalFrom(document));
  const { movedCount, leastCount, nodes } = plan;
  const tables = plan.tables.map(({ width, movedCount: moved, leastCount: least, movedFraction }) => ({
    width,
    movedCount: moved,
    leastCount: least,
    movedFraction,
  }));
  return jsonAnswer(200, {
    changes,
    movement: { movedCount, leastCount, tables, nodes },
    after: documentOf(call, after),
  });
}

/** The change is named: one that began since stays. */
async function revertLayout(call: ApiCall): Promise<HttpResponse> {
  requireRoot(call);
  const { context, request, caller } = call;
  const document = (await readJson(request, caller.payload, context.hashing)) ?? {};
  refuseUnknownMembers(document, ["change"]);
  const { change } = document;
  if (typeof change !== "number" || !Number.isSafeInteger(change) || change < 1)
    throw new StoreError("InvalidRequest", "change is the epoch at which the layout change under way began.");
  return jsonAnswer(200, { reverted: await context.cluster.revertLayout(change) });
}

function documentOf({ query }: ApiCall, { description, draw }: LayoutView): JsonObject {
  const columns = query.integer("columns", columnsMin, columnsMax, columnsDefault);
  return { ...description, drawing: draw({ columns, ascii: query.text("ascii") === "true" }) };
}

function proposalFrom(document: JsonObject): LayoutProposal {
  refuseUnknownMembers(document, ["join", "leave", "weights", "widths"]);
  const { join, leave, weights, widths } = document;
  return {
    join: listOf(join, "join").map((item) => ({
      zone: textOf(item, "zone"),
      weight: wholeOf(item, "weight"),
    })),
    leave: listOf(leave, "leave").map((item) => {
      if (typeof item === "string") return item;
      throw new StoreError("InvalidRequest", "leave is a list of node ids.");
    }),
    weights: listOf(weights, "weights").map((item) => ({
      node: textOf(item, "node"),
      weight: wholeOf(item, "weight"),
    })),
    widths: widths === undefined ? undefined : widthsFrom(listOf(widths, "widths")),
  };
}

function widthsFrom(items: readonly unknown[]): readonly number[] {
  const widths = items.filter((item) => typeof item === "number" && Number.isInteger(item)) as number[];
  const areSound = widths.length === items.length && widths.every((width) => width >= 1 && width <= 32);
  if (areSound && new Set(widths).size === widths.length && widths.length >= 1 && widths.length <= 16)
    return widths;
  throw new StoreError("InvalidRequest", "widths are 1 to 16 different whole numbers from 1 to 32.");
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.length <= itemsMax) return value;
  throw new StoreError("InvalidRequest", `${name} is a list of at most ${itemsMax}.`);
}

function textOf(item: unknown, name: string): string {
  const value = isObject(item) ? item[name] : undefined;
  if (typeof value === "string") return value;
  throw new StoreError("InvalidRequest", `Each has a ${name}, as text.`);
}

function wholeOf(item: unknown, name: string): number {
  const value = isObject(item) ? item[name] : undefined;
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw new StoreError("InvalidRequest", `Each has a ${name}, a whole number.`);
}

const drawing = [
  { name: "columns", description: `Width of the drawing, ${columnsMin} to ${columnsMax}` },
  { name: "ascii", description: "true: nothing beyond ASCII in the drawing" },
];

export const layoutOperations: readonly Operation[] = [
  {
    method: "GET",
    path: "/cluster/layout",
    operationId: "showLayout",
    run: showLayout,
    document: {
      summary: "Which nodes hold how much, in numbers and as a drawing (root key)",
      query: drawing,
      answer: { status: 200, description: "The layout in force", kind: "json", schema: "Layout" },
    },
  },
  {
    method: "POST",
    path: "/cluster/layout/preview",
    operationId: "previewLayout",
    run: previewLayout,
    document: {
      summary: "What nodes that join, leave or change weight would move; changes nothing (root key)",
      query: drawing,
      body: { kind: "json", schema: "LayoutProposal", required: false },
      answer: { status: 200, description: "What would move", kind: "json", schema: "LayoutPreview" },
    },
  },
  {
    method: "POST",
    path: "/cluster/layout/revert",
    operationId: "revertLayout",
    run: revertLayout,
    document: {
      summary: "Takes a layout change back: partitions that are moving stay where they were (root key)",
      body: { kind: "json", schema: "RevertLayout", required: true },
      answer: {
        status: 200,
        description: "Whether such a change was under way",
        kind: "json",
        schema: "RevertedLayout",
      },
    },
  },
];
