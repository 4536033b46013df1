/** The operation that is exported: one, with the fragments it uses, and its variables. */
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
import { operationAt, type Written } from "../quote/subject";

export interface Exported {
  document: DocumentNode;
  operation: OperationDefinitionNode;
  /** The document as text, without comments. */
  text: string;
  variables: Record<string, unknown>;
  endpoint: string;
  schema: GraphQLSchema | null;
}

/** Throws with what is wrong, in words. */
export function exported(written: Written, schema: GraphQLSchema | null | undefined, endpoint: string): Exported {
  const whole = parse(written.query);
  const operations = whole.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const operation = operationAt(operations, written);
  if (operation === undefined) throw new Error("there is no operation");
  const document = separateOperations(whole)[operation.name?.value ?? ""] ?? whole;
  const variables = (tryParseJSONC(written.variables) ?? {}) as Record<string, unknown>;
  return { document, operation, text: print(document), variables, endpoint, schema: schema ?? null };
}
