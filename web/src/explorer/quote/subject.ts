/** What of the editor is to be quoted, if anything can be. */
import { tryParseJSONC } from "@graphiql/react";
import {
  getVariableValues,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
  stripIgnoredCharacters,
  validate,
} from "graphql";

/** What stands in the editors, and where the cursor is. */
export interface Written {
  query: string;
  variables: string;
  /** Offset of the cursor in the query. */
  cursor: number;
  /** What was chosen to be run last. */
  operationName: string | null;
}

export type Subject =
  | { kind: "none"; why: string }
  | {
      kind: "document";
      /** Equal for documents that mean the same: blanks and comments do not count. */
      id: string;
      query: string;
      variables?: Record<string, unknown>;
      operationName?: string;
      /** The name, where there are several to choose from. */
      label?: string;
    };

/** The operation that the cursor is in, else the one chosen, else the first. */
export function operationAt(operations: OperationDefinitionNode[], { cursor, operationName }: Written) {
  return (
    operations.find(({ loc }) => loc !== undefined && loc.start <= cursor && cursor <= loc.end) ??
    operations.find(({ name }) => name !== undefined && name.value === operationName) ??
    operations[0]
  );
}

/** Only what the server would take is worth a request: it is parsed and validated here first. */
export function subjectOf(written: Written, schema: GraphQLSchema | null | undefined): Subject {
  if (!schema) return { kind: "none", why: "No quote without the schema." };
  if (written.query.replace(/#.*|[\s,]/g, "") === "")
    return { kind: "none", why: "Write a query, or open an example." };
  try {
    const document = parse(written.query);
    const fault = validate(schema, document)[0];
    if (fault !== undefined) return invalid(fault);
    const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
    const operation = operationAt(operations, written);
    if (operation === undefined) return { kind: "none", why: "No operation to quote." };
    const variables = variablesOf(written.variables);
    const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables ?? {});
    if (errors !== undefined) return { kind: "none", why: `No quote: ${errors[0]?.message ?? "variables"}` };
    const name = operation.name?.value;
    return {
      kind: "document",
      id: JSON.stringify([stripIgnoredCharacters(written.query), variables ?? {}, name ?? ""]),
      query: written.query,
      ...(variables === undefined ? {} : { variables }),
      ...(name === undefined ? {} : { operationName: name }),
      ...(operations.length > 1 && name !== undefined ? { label: name } : {}),
    };
  } catch (cause) {
    if (cause instanceof GraphQLError) return invalid(cause);
    return { kind: "none", why: `No quote: ${cause instanceof Error ? cause.message : String(cause)}` };
  }
}

function invalid({ message, locations }: GraphQLError): Subject {
  const line = locations?.[0]?.line;
  return { kind: "none", why: `No quote: ${line === undefined ? "" : `line ${line}: `}${message}` };
}

function variablesOf(text: string): Record<string, unknown> | undefined {
  try {
    return tryParseJSONC(text) as Record<string, unknown> | undefined;
  } catch (cause) {
    throw new Error(`the variables ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
