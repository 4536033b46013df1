/** The URL that opens a document in the explorer; `explorer/link.ts` reads it. `variables` is JSON, or empty. */
export function explorerUrl(query: string, variables: string): string {
  const given = variables === "" ? "" : `&variables=${encodeURIComponent(variables)}`;
  return `/#query=${encodeURIComponent(query)}${given}`;
}
