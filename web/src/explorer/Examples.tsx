/** The menu of example queries, next to the tabs. */
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect, useId, useRef, useState } from "react";
import { useExamples, type Example } from "./examples";

export function Examples() {
  const [open, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const list = useId();
  const openExample = useOpenDocument();
  const examples = useExamples();

  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      if (!frame.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, [open]);

  return (
    <div
      className="examples"
      ref={frame}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        setOpen(false);
        button.current?.focus();
      }}
    >
      <button ref={button} type="button" aria-expanded={open} aria-controls={list} onClick={() => setOpen(!open)}>
        Examples <span aria-hidden="true">▾</span>
      </button>
      <ol id={list} hidden={!open} aria-label="Example queries">
        {examples.map((example) => (
          <li key={example.title}>
            <button
              type="button"
              onClick={() => {
                openExample(example);
                setOpen(false);
              }}
            >
              <strong>{example.title}</strong>
              <span>{example.description}</span>
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}

/** Returns a function that shows a document: in the tab that already contains it, in an empty tab, or in a new tab. */
export function useOpenDocument(): (document: Pick<Example, "query" | "variables">) => void {
  const { addTab, changeTab, stop } = useGraphiQLActions();
  const { tabs, activeTabIndex, queryEditor, variableEditor } = useGraphiQL((state) => ({
    tabs: state.tabs,
    activeTabIndex: state.activeTabIndex,
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
  }));
  return ({ query, variables }) => {
    const existing = tabs.findIndex((tab) => tab.query === query && (tab.variables ?? "") === variables);
    if (existing === -1) {
      // The tab may be empty and still wait for the response to its previous document.
      stop();
      if ((queryEditor?.getValue() ?? "").trim() !== "") addTab();
      queryEditor?.setValue(query);
      variableEditor?.setValue(variables);
    } else if (existing !== activeTabIndex) {
      changeTab(existing);
    }
    queryEditor?.focus();
  };
}
