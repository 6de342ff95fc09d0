/** Descriptions of headers that several operations share. */

import type { ParameterDocument } from "./operation.ts";

export const conditionHeaders: readonly ParameterDocument[] = [
  { name: "if-match", description: 'Only while the file has one of these ETags; "*" for any' },
  {
    name: "if-none-match",
    description: 'Only while the file has none of these ETags; "*": only while there is no file',
  },
];

export const readHeaders: readonly ParameterDocument[] = [
  {
    name: "range",
    description: "One range of bytes; several, or with if-range, are answered with the whole file",
  },
  { name: "if-match", description: "As in RFC 9110" },
  { name: "if-none-match", description: "As in RFC 9110" },
  { name: "if-modified-since", description: "As in RFC 9110" },
  { name: "if-unmodified-since", description: "As in RFC 9110" },
];

export const fileHeaders: readonly ParameterDocument[] = [
  { name: "content-type", description: "Kept and handed back, as are the five below" },
  {
    name: "content-encoding",
    description: "Handed back as x-holdfast-content-encoding, so that nobody decodes the bytes on the way",
  },
  { name: "content-disposition", description: "Kept and handed back" },
  { name: "content-language", description: "Kept and handed back" },
  { name: "cache-control", description: "Kept and handed back" },
  { name: "expires", description: "Kept and handed back" },
  {
    name: "x-holdfast-meta-NAME",
    description:
      "User metadata. Values are percent-encoded UTF-8 in both directions; names and values together at most 2 KiB",
  },
];
