export type { S3GatewayOptions } from "./gateway.ts";
export { createS3Gateway } from "./gateway.ts";
export type { S3Code } from "./s3-error.ts";
export { httpStatus, s3CodeOf, s3ErrorKinds } from "./s3-error.ts";
