/** The operation to export, with its fragments and variables. */
import { tryParseJSONC } from "@graphiql/react";
import {
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  separateOperations,
} from "graphql";
import { operationAt, type EditorState } from "../quote/target";

export interface Exported {
  document: DocumentNode;
  operation: OperationDefinitionNode;
  /** The document as text, without comments. */
  text: string;
  variables: Record<string, unknown>;
  endpoint: string;
  schema: GraphQLSchema | null;
}

/** Throws an `Error` if the document or the variables cannot be parsed, or if there is no operation. */
export function exported(
  editorState: EditorState,
  schema: GraphQLSchema | null | undefined,
  endpoint: string,
): Exported {
  const whole = parse(editorState.query);
  const operations = whole.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const operation = operationAt(operations, editorState);
  if (operation === undefined) throw new Error("The document contains no operation.");
  const document = separateOperations(whole)[operation.name?.value ?? ""] ?? whole;
  const variables = (tryParseJSONC(editorState.variables) ?? {}) as Record<string, unknown>;
  return { document, operation, text: print(document), variables, endpoint, schema: schema ?? null };
}
