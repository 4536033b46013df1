/** Generates TypeScript types of an operation: its variables and its data. */
import {
  type FragmentDefinitionNode,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredInputField,
  Kind,
  type SelectionSetNode,
  SchemaMetaFieldDef,
  typeFromAST,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
} from "graphql";
import type { Exported } from "./operation";

export interface OperationTypes {
  /** Enums and input objects that the other types reference. */
  declarations: string[];
  variables: string;
  data: string;
}

const SCALARS: Record<string, string> = {
  Int: "number",
  Float: "number",
  String: "string",
  ID: "string",
  Boolean: "boolean",
};

export function typesOf({ schema, document, operation }: Exported & { schema: GraphQLSchema }): OperationTypes {
  const writer = new Writer(
    schema,
    document.definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION),
  );
  const root = schema.getRootType(operation.operation);
  const data = root ? writer.object(root, [{ set: operation.selectionSet, sometimes: false }], "") : "unknown";
  const variables = (operation.variableDefinitions ?? []).map(({ variable, type, defaultValue }) => {
    const input = typeFromAST(schema, type as never) as GraphQLInputType | undefined;
    const optional = !input || !isNonNullType(input) || defaultValue !== undefined;
    return `  ${variable.name.value}${optional ? "?" : ""}: ${input ? writer.input(input) : "unknown"};\n`;
  });
  return {
    declarations: [...writer.declarations.values()],
    variables: variables.length === 0 ? "Record<string, never>" : `{\n${variables.join("")}}`,
    data,
  };
}

interface FieldSelection {
  type: GraphQLOutputType;
  parent: GraphQLNamedType;
  name: string;
  /** The field may be absent: `@skip`, `@include`, or a fragment on one of several types. */
  optional: boolean;
  sets: SelectionPart[];
}

/** One selection set of a field. `sometimes`: the selection may be skipped. */
interface SelectionPart {
  set: SelectionSetNode;
  sometimes: boolean;
}

class Writer {
  readonly declarations = new Map<string, string>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly fragments: FragmentDefinitionNode[],
  ) {}

  /** The inline type of an object with the given selection sets. */
  object(type: GraphQLNamedType, sets: SelectionPart[], indent: string): string {
    const fields = new Map<string, FieldSelection>();
    // With a single selection set, skipping it removes the whole object, so the fields inside are not optional.
    for (const { set, sometimes } of sets) this.collect(type, set, sometimes && sets.length > 1, fields);
    const lines = [...fields].map(([key, field]) => {
      const fieldType =
        field.name === "__typename" ? this.typename(field.parent) : this.output(field.type, field.sets, `${indent}  `);
      return `${indent}  ${key}${field.optional ? "?" : ""}: ${fieldType};\n`;
    });
    return `{\n${lines.join("")}${indent}}`;
  }

  /** Merges the selections by response key. */
  private collect(
    type: GraphQLNamedType,
    set: SelectionSetNode,
    optional: boolean,
    fields: Map<string, FieldSelection>,
  ): void {
    for (const selection of set.selections) {
      const sometimes = optional || (selection.directives?.length ?? 0) > 0;
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        const known = fields.get(key);
        const definition = this.field(type, selection.name.value);
        if (definition === undefined) continue;
        fields.set(key, {
          type: definition,
          parent: type,
          name: selection.name.value,
          optional: sometimes && (known?.optional ?? true),
          sets: [
            ...(known?.sets ?? []),
            ...(selection.selectionSet ? [{ set: selection.selectionSet, sometimes }] : []),
          ],
        });
      } else {
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT
            ? selection
            : this.fragments.find(({ name }) => name.value === selection.name.value);
        if (fragment === undefined) continue;
        const on = fragment.typeCondition ? this.schema.getType(fragment.typeCondition.name.value) : type;
        this.collect(on ?? type, fragment.selectionSet, sometimes || (on !== type && isAbstractType(type)), fields);
      }
    }
  }

  private field(type: GraphQLNamedType, name: string): GraphQLOutputType | undefined {
    if (name === "__typename") return TypeNameMetaFieldDef.type;
    if (name === "__schema") return SchemaMetaFieldDef.type;
    if (name === "__type") return TypeMetaFieldDef.type;
    return "getFields" in type ? (type.getFields()[name]?.type as GraphQLOutputType | undefined) : undefined;
  }

  private typename(parent: GraphQLNamedType): string {
    return isObjectType(parent) ? JSON.stringify(parent.name) : "string";
  }

  private output(type: GraphQLOutputType, sets: SelectionPart[], indent: string): string {
    if (!isNonNullType(type)) return `${this.present(type, sets, indent)} | null`;
    return this.present(type.ofType, sets, indent);
  }

  private present(type: GraphQLOutputType, sets: SelectionPart[], indent: string): string {
    if (isNonNullType(type)) return this.present(type.ofType, sets, indent);
    if (isListType(type)) return `Array<${this.output(type.ofType, sets, indent)}>`;
    return sets.length > 0 ? this.object(type, sets, indent) : this.leaf(type);
  }

  input(type: GraphQLInputType): string {
    if (isNonNullType(type)) return this.presentInput(type.ofType);
    return `${this.presentInput(type)} | null`;
  }

  private presentInput(type: GraphQLInputType): string {
    if (isNonNullType(type)) return this.presentInput(type.ofType);
    if (isListType(type)) return `Array<${this.input(type.ofType)}>`;
    if (!isInputObjectType(type)) return this.leaf(type);
    if (!this.declarations.has(type.name)) {
      // Registered before its fields are written: input types can be recursive.
      this.declarations.set(type.name, "");
      const fields = Object.values(type.getFields()).map(
        (field) => `  ${field.name}${isRequiredInputField(field) ? "" : "?"}: ${this.input(field.type)};\n`,
      );
      this.declarations.set(type.name, `interface ${type.name} {\n${fields.join("")}}`);
    }
    return type.name;
  }

  private leaf(type: GraphQLNamedType): string {
    if (!isEnumType(type)) return SCALARS[type.name] ?? "unknown";
    const values = type.getValues().map(({ name }) => JSON.stringify(name));
    const line = `type ${type.name} = ${values.join(" | ")};`;
    this.declarations.set(
      type.name,
      line.length <= 100 ? line : `type ${type.name} =${values.map((value) => `\n  | ${value}`).join("")};`,
    );
    return type.name;
  }
}
