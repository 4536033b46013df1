// Lints the committed schema with GraphQL-ESLint: the recommended schema rules, and descriptions for all definitions.
// Usage: node schema.mjs SCHEMA_FILE
import { resolve } from "node:path";
import graphql from "@graphql-eslint/eslint-plugin";
import { ESLint } from "eslint";
import { buildSchema, isObjectType } from "graphql";
import { readFileSync } from "node:fs";

const file = resolve(process.argv[2]);

// Types with identity: partners can store the id and look the object up again. All other object types are values, such
// as measures, intervals and pages, and have no id.
const entities = ["Product", "Release", "Segment"];
const objects = Object.values(buildSchema(readFileSync(file, "utf8")).getTypeMap()).filter(isObjectType);
const values = objects.map(({ name }) => name).filter((name) => !entities.includes(name));
const eslint = new ESLint({
  cwd: resolve(file, ".."),
  overrideConfigFile: true,
  overrideConfig: [
    {
      files: ["**/*.graphql"],
      languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: file } } },
      plugins: { "@graphql-eslint": graphql },
      rules: {
        ...graphql.configs["flat/schema-recommended"].rules,
        "@graphql-eslint/strict-id-in-types": ["error", { exceptions: { types: values } }],
        "@graphql-eslint/require-description": [
          "error",
          {
            types: true,
            DirectiveDefinition: true,
            FieldDefinition: true,
            InputValueDefinition: true,
            EnumValueDefinition: true,
            rootField: true,
          },
        ],
      },
    },
  ],
});
const results = await eslint.lintFiles([file]);
// The SDL export of async-graphql leaves out the descriptions of a directive's arguments, so the description of the
// directive explains them.
const argumentOfDirective = /^Description is required for input value .* in directive /;
const messages = results
  .flatMap((result) => result.messages)
  .filter(({ message }) => !argumentOfDirective.test(message));
for (const { line, column, ruleId, message } of messages) console.log(`${line}:${column} ${ruleId}: ${message}`);
console.log(`schema lint: ${messages.length} findings`);
process.exit(messages.length === 0 && results.length === 1 ? 0 : 1);
