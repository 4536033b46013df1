/** A GraphiQL pane that shows the operation as source code. */
import { type GraphiQLPlugin, useGraphiQL } from "@graphiql/react";
import { useId, useState } from "react";
import { copyToClipboard } from "../../shared/clipboard";
import { useEditorState } from "../editorState";
import { curl } from "./curl";
import { exported } from "./operation";
import { python } from "./python";
import { typescript } from "./typescript";

const LANGUAGES = [
  { name: "curl", generate: curl },
  { name: "TypeScript", generate: typescript },
  { name: "Python", generate: python },
];

export const CODE_PLUGIN: GraphiQLPlugin = { title: "Code", icon: CodeIcon, content: CodePane };

function CodeIcon() {
  return (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d="m8 7-5 5 5 5M16 7l5 5-5 5M13.5 4l-3 16" />
    </svg>
  );
}

function CodePane() {
  const editorState = useEditorState();
  const schema = useGraphiQL((state) => state.schema);
  const [chosen, setChosen] = useState(0);
  const [copied, setCopied] = useState("");
  const group = useId();
  const language = LANGUAGES[chosen]!;
  let code = "";
  let fault = "";
  try {
    if (editorState !== null) code = language.generate(exported(editorState, schema, `${location.origin}/graphql`));
  } catch (cause) {
    fault = cause instanceof Error ? cause.message : String(cause);
  }
  return (
    <section className="code-pane" aria-label="Code">
      <h2>Code</h2>
      <p>
        This operation as a program. The program reads the key from the environment variable <code>SPOTS_KEY</code>.
      </p>
      <div className="code-bar">
        <fieldset>
          <legend className="visually-hidden">Language</legend>
          {LANGUAGES.map(({ name }, number) => (
            <label key={name}>
              <input
                type="radio"
                name={group}
                checked={number === chosen}
                onChange={() => {
                  setChosen(number);
                  setCopied("");
                }}
              />
              {name}
            </label>
          ))}
        </fieldset>
        <button
          type="button"
          className="small"
          disabled={code === ""}
          onClick={() =>
            void copyToClipboard(code).then((done) =>
              setCopied(done ? "Copied." : "Select the code and copy it manually."),
            )
          }
        >
          Copy
        </button>
        <span role="status">{copied}</span>
      </div>
      {fault === "" ? (
        <pre tabIndex={0} aria-label={`${language.name} code`}>
          <code>{code}</code>
        </pre>
      ) : (
        <p>No code: {fault}</p>
      )}
    </section>
  );
}
