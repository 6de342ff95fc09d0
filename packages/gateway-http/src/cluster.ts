/** The cluster as scripts see it. */

import type { HttpResponse } from "@holdfast/ports";
import { jsonAnswer } from "./json.ts";
import type { ApiCall, Operation } from "./operation.ts";

async function clusterStatus({ context }: ApiCall): Promise<HttpResponse> {
  return jsonAnswer(200, { ...(await context.status()), server: context.server });
}

export const clusterOperations: readonly Operation[] = [
  {
    method: "GET",
    path: "/cluster/status",
    operationId: "clusterStatus",
    run: clusterStatus,
    document: {
      summary: "The state of the cluster as this node knows it",
      answer: { status: 200, description: "The status", kind: "json", schema: "ClusterStatus" },
    },
  },
];
