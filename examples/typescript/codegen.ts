// Types of every operation in src/*.graphql, checked against the schema without a server.
// In your own project save /docs/schema.graphql of the server beside this file and name it here.
import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../schema.graphql",
  documents: "src/*.graphql",
  // Node needs the endings of imported files.
  importExtension: ".js",
  generates: {
    "./src/generated/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        // Documents as texts: nothing of `graphql` is needed at run time.
        documentMode: "string",
        useTypeImports: true,
        enumsAsTypes: true,
        // `errors` is read beside `data`; what may be null is null, never undefined.
        avoidOptionals: { field: true, inputValue: false, object: false, defaultValue: false },
        scalars: { JSON: "unknown" },
        strictScalars: true,
      },
    },
  },
};

export default config;
