/** The content of GraphiQL's editors: typed, loaded with another tab, or set by a plugin. */
import { useGraphiQL } from "@graphiql/react";
import { useEffect, useState } from "react";
import type { EditorState } from "./quote/target";

/** Without a delay each keystroke would parse and validate the whole document. */
const DEBOUNCE_MS = 120;

export function useEditorState(): EditorState | null {
  const { queryEditor, variableEditor, operationName } = useGraphiQL((state) => ({
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
    operationName: state.operationName,
  }));
  const [editorState, setEditorState] = useState<Omit<EditorState, "operationName"> | null>(null);
  useEffect(() => {
    if (!queryEditor || !variableEditor) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = () => {
      const position = queryEditor.getPosition();
      const cursor = position === null ? 0 : (queryEditor.getModel()?.getOffsetAt(position) ?? 0);
      setEditorState({ query: queryEditor.getValue(), variables: variableEditor.getValue(), cursor });
    };
    const readLater = () => {
      clearTimeout(timer);
      timer = setTimeout(read, DEBOUNCE_MS);
    };
    read();
    const subscriptions = [
      queryEditor.onDidChangeModelContent(readLater),
      queryEditor.onDidChangeCursorPosition(readLater),
      variableEditor.onDidChangeModelContent(readLater),
    ];
    return () => {
      clearTimeout(timer);
      for (const subscription of subscriptions) subscription.dispose();
    };
  }, [queryEditor, variableEditor]);
  return editorState === null ? null : { ...editorState, operationName: operationName ?? null };
}
