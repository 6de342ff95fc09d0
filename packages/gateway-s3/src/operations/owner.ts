import { element, leaf } from "../xml-writer.ts";

/** Accounts have one name here: it serves as id and as display name. */
export function ownerElement(name: string, account: string): string {
  return element(name, leaf("ID", account) + leaf("DisplayName", account));
}
