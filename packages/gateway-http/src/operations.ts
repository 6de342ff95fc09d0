import { bucketOperations } from "./buckets.ts";
import { clusterOperations } from "./cluster.ts";
import { deleteOperations } from "./delete-files.ts";
import { fileOperations } from "./files.ts";
import { layoutOperations } from "./layout.ts";
import { maintenanceOperations } from "./maintenance.ts";
import { memberOperations } from "./members.ts";
import type { Operation } from "./operation.ts";
import { streamOperations } from "./stream/stream-operation.ts";
import { tokenOperations } from "./tokens.ts";
import { uploadOperations } from "./uploads.ts";

/** Everything behind /api/v1 that asks for a signature. */
export const operations: readonly Operation[] = [
  ...fileOperations,
  ...deleteOperations,
  ...uploadOperations,
  ...streamOperations,
  ...bucketOperations,
  ...clusterOperations,
  ...memberOperations,
  ...tokenOperations,
  ...layoutOperations,
  ...maintenanceOperations,
];
