import type { DigestAlgorithm } from "@holdfast/ports";

/** To a worker. One digest's messages are taken in order; "update" is answered, so that the sender can wait. */
export type DigestRequest =
  | { readonly kind: "begin"; readonly id: number; readonly algorithm: DigestAlgorithm }
  | { readonly kind: "update"; readonly id: number; readonly data: Uint8Array }
  | { readonly kind: "finish"; readonly id: number }
  | { readonly kind: "cancel"; readonly id: number };

/** From a worker. */
export type DigestReply =
  | { readonly kind: "updated"; readonly id: number; readonly data: Uint8Array }
  | { readonly kind: "finished"; readonly id: number; readonly digest: Uint8Array };
