export type { S3GatewayOptions } from "./gateway.ts";
export { createS3Gateway } from "./gateway.ts";
