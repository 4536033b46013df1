// Types of every operation in src/*.graphql, checked against the schema without a server.
// In your own project, save /docs/schema.graphql of the server next to this file and set its path here.
import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../schema.graphql",
  documents: "src/*.graphql",
  // Node requires the file extension in imports.
  importExtension: ".js",
  generates: {
    "./src/generated/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        // Documents as strings: `graphql` is not needed at run time.
        documentMode: "string",
        useTypeImports: true,
        enumsAsTypes: true,
        // `errors` is read in addition to `data`; a nullable field is null, never undefined.
        avoidOptionals: { field: true, inputValue: false, object: false, defaultValue: false },
        scalars: { JSON: "unknown" },
        strictScalars: true,
      },
    },
  },
};

export default config;
