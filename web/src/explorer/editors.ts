/** GraphiQL's editors in the colors of the site, following the system while the page is open. */
import { useGraphiQL, useGraphiQLActions, useMonaco } from "@graphiql/react";
import { useEffect } from "react";
import { THEMES } from "./theme";

export function useEditorLook(): void {
  const monaco = useMonaco((state) => state.monaco);
  const { setTheme } = useGraphiQLActions();
  const editors = useGraphiQL((state) => ({
    query: state.queryEditor,
    variables: state.variableEditor,
    response: state.responseEditor,
  }));

  useEffect(() => {
    if (!monaco) return;
    for (const [name, data] of Object.entries(THEMES)) monaco.editor.defineTheme(name, data);
  }, [monaco]);

  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => setTheme(null);
    dark.addEventListener("change", follow);
    return () => dark.removeEventListener("change", follow);
  }, [setTheme]);

  useEffect(() => {
    const fontFamily = getComputedStyle(document.body).getPropertyValue("--mono").trim() || "monospace";
    editors.query?.updateOptions({ fontFamily, fontSize: 13.5, wordWrap: "on", ariaLabel: "GraphQL document" });
    editors.variables?.updateOptions({ fontFamily, fontSize: 13, ariaLabel: "Variables, JSON" });
    editors.response?.updateOptions({
      fontFamily,
      fontSize: 13,
      ariaLabel: "Answer, JSON",
      placeholder: "The answer comes here.",
      // All that GraphiQL shows there is a picture of any address in the answer, which it would fetch.
      hover: { enabled: false },
    });
  }, [editors.query, editors.variables, editors.response]);
}
