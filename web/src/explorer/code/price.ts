/** The document by which exported code asks for the price of a query. Mutations have no price. */
import type { Exported } from "./operation";

export const PRICE =
  "query Price($document: String!, $variables: JSON) { \
quote(document: $document, variables: $variables) { points fits units unitsLeft } }";

export function hasPrice({ operation }: Exported): boolean {
  return operation.operation === "query";
}
