/** Nodes of the cluster that change and go. For the operator, who holds the root key. */

import { StoreError } from "@holdfast/base";
import type { HttpResponse } from "@holdfast/ports";
import type { JsonObject } from "./json.ts";
import { jsonAnswer, readJson, refuseUnknownMembers } from "./json.ts";
import type { ApiCall, Operation } from "./operation.ts";
import { requireRoot } from "./require-root.ts";

async function changeNode(call: ApiCall): Promise<HttpResponse> {
  requireRoot(call);
  const { context, request, caller, node } = call;
  const document = (await readJson(request, caller.payload, context.hashing)) ?? {};
  const changed = await context.cluster.changeNode(node, changeFrom(document));
  const { id, zone, weight, draining, addresses } = changed;
  return jsonAnswer(200, { id, zone, weight, draining, addresses });
}

async function removeNode(call: ApiCall): Promise<HttpResponse> {
  requireRoot(call);
  return jsonAnswer(200, { existed: await call.context.cluster.removeNode(call.node) });
}

interface Change {
  readonly zone?: string;
  readonly weight?: number;
  readonly draining?: boolean;
}

/** What the values may be the node knows; of what kind they are is said here. */
function changeFrom(document: JsonObject): Change {
  refuseUnknownMembers(document, ["zone", "weight", "draining"]);
  const { zone, weight, draining } = document;
  if (zone !== undefined && typeof zone !== "string") throw notOf("zone", "text");
  if (weight !== undefined && typeof weight !== "number") throw notOf("weight", "a whole number");
  if (draining !== undefined && typeof draining !== "boolean") throw notOf("draining", "true or false");
  return {
    ...(zone === undefined ? {} : { zone }),
    ...(weight === undefined ? {} : { weight }),
    ...(draining === undefined ? {} : { draining }),
  };
}

function notOf(name: string, kind: string): StoreError {
  return new StoreError("InvalidRequest", `${name} is ${kind}.`);
}

export const memberOperations: readonly Operation[] = [
  {
    method: "PATCH",
    path: "/cluster/nodes/{node}",
    operationId: "changeNode",
    run: changeNode,
    document: {
      summary:
        "Zone and weight of a node, and whether it gives away what it holds; what is left out stays (root key)",
      body: { kind: "json", schema: "NodeChange", required: true },
      answer: { status: 200, description: "The node as it is now", kind: "json", schema: "ClusterMember" },
    },
  },
  {
    method: "DELETE",
    path: "/cluster/nodes/{node}",
    operationId: "removeNode",
    run: removeNode,
    document: {
      summary: "The cluster forgets a node that was drained and holds nothing any more (root key)",
      answer: { status: 200, description: "Whether there was one", kind: "json", schema: "RemovedNode" },
    },
  },
];
