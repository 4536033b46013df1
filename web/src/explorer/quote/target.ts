/** Determines which document of the editor is quoted. */
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

/** The content of the editors and the position of the cursor. */
export interface EditorState {
  query: string;
  variables: string;
  /** Offset of the cursor in the query. */
  cursor: number;
  /** The operation that was last selected to run. */
  operationName: string | null;
}

export type QuoteTarget =
  | { kind: "none"; why: string }
  | {
      kind: "document";
      /** Equal for documents that differ only in whitespace and comments. */
      id: string;
      query: string;
      variables?: Record<string, unknown>;
      operationName?: string;
      /** The operation name, if the document contains several operations. */
      label?: string;
    };

/** The operation at the cursor, else the selected operation, else the first. */
export function operationAt(operations: OperationDefinitionNode[], { cursor, operationName }: EditorState) {
  return (
    operations.find(({ loc }) => loc !== undefined && loc.start <= cursor && cursor <= loc.end) ??
    operations.find(({ name }) => name !== undefined && name.value === operationName) ??
    operations[0]
  );
}

/** Parses and validates the document locally, so that no request is sent for a document that the server rejects. */
export function quoteTargetOf(editorState: EditorState, schema: GraphQLSchema | null | undefined): QuoteTarget {
  if (!schema) return { kind: "none", why: "No quote: the schema is not loaded." };
  if (editorState.query.replace(/#.*|[\s,]/g, "") === "")
    return { kind: "none", why: "Write a query, or open an example." };
  try {
    const document = parse(editorState.query);
    const validationError = validate(schema, document)[0];
    if (validationError !== undefined) return invalid(validationError);
    const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
    const operation = operationAt(operations, editorState);
    if (operation === undefined) return { kind: "none", why: "No quote: the document contains no operation." };
    const variables = variablesOf(editorState.variables);
    const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables ?? {});
    if (errors !== undefined) return { kind: "none", why: `No quote: ${errors[0]?.message ?? "variables"}` };
    const name = operation.name?.value;
    return {
      kind: "document",
      id: JSON.stringify([stripIgnoredCharacters(editorState.query), variables ?? {}, name ?? ""]),
      query: editorState.query,
      ...(variables === undefined ? {} : { variables }),
      ...(name === undefined ? {} : { operationName: name }),
      ...(operations.length > 1 && name !== undefined ? { label: name } : {}),
    };
  } catch (cause) {
    if (cause instanceof GraphQLError) return invalid(cause);
    return { kind: "none", why: `No quote: ${cause instanceof Error ? cause.message : String(cause)}` };
  }
}

function invalid({ message, locations }: GraphQLError): QuoteTarget {
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
