/** Applies the site's colors and fonts to GraphiQL's editors, and follows changes of the system color scheme. */
import { useGraphiQL, useGraphiQLActions, useMonaco } from "@graphiql/react";
import { useEffect } from "react";
import { THEMES } from "./theme";

export function useEditorTheme(): void {
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
    const applyTheme = () => setTheme(null);
    dark.addEventListener("change", applyTheme);
    return () => dark.removeEventListener("change", applyTheme);
  }, [setTheme]);

  useEffect(() => {
    const fontFamily = getComputedStyle(document.body).getPropertyValue("--mono").trim() || "monospace";
    editors.query?.updateOptions({ fontFamily, fontSize: 13.5, wordWrap: "on", ariaLabel: "GraphQL document" });
    editors.variables?.updateOptions({ fontFamily, fontSize: 13, ariaLabel: "Variables, JSON" });
    editors.response?.updateOptions({
      fontFamily,
      fontSize: 13,
      ariaLabel: "Response, JSON",
      placeholder: "The response appears here.",
      // GraphiQL uses the hover only to fetch and show images whose URL is in the response.
      hover: { enabled: false },
    });
  }, [editors.query, editors.variables, editors.response]);
}
