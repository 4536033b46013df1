/** What stands in GraphiQL's editors, as it changes: typed, opened in another tab, or set by a plugin. */
import { useGraphiQL } from "@graphiql/react";
import { useEffect, useState } from "react";
import type { Written } from "./quote/subject";

/** Each letter would parse and validate the whole document. */
const SETTLE_MS = 120;

export function useWritten(): Written | null {
  const { queryEditor, variableEditor, operationName } = useGraphiQL((state) => ({
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
    operationName: state.operationName,
  }));
  const [written, setWritten] = useState<Omit<Written, "operationName"> | null>(null);
  useEffect(() => {
    if (!queryEditor || !variableEditor) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = () => {
      const position = queryEditor.getPosition();
      const cursor = position === null ? 0 : (queryEditor.getModel()?.getOffsetAt(position) ?? 0);
      setWritten({ query: queryEditor.getValue(), variables: variableEditor.getValue(), cursor });
    };
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(read, SETTLE_MS);
    };
    read();
    const watches = [
      queryEditor.onDidChangeModelContent(later),
      queryEditor.onDidChangeCursorPosition(later),
      variableEditor.onDidChangeModelContent(later),
    ];
    return () => {
      clearTimeout(timer);
      for (const watch of watches) watch.dispose();
    };
  }, [queryEditor, variableEditor]);
  return written === null ? null : { ...written, operationName: operationName ?? null };
}
