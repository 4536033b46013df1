/** The explorer: GraphiQL with a quote before each run and the cost after it. */
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { getKey, takeKeyFromUrl } from "../shared/key";
import { SiteHeader, useKey } from "../shared/Site";
import { resetBudget } from "./budget";
import { BUILDER_PLUGIN } from "./builder";
import { CODE_PLUGIN } from "./code/plugin";
import { useEditorTheme } from "./editors";
import { EXAMPLES, loadExamples } from "./examples";
import { Examples, useOpenDocument } from "./Examples";
import { type LinkedDocument, takeDocumentFromUrl } from "./link";
import { useAccessibleNames } from "./accessibleNames";
import { Notice } from "./Notice";
import { QuoteBar, QuoteSource } from "./quote/QuoteBar";
import { activeTab, createFetcher, clearRuns, resetSchema, runs, SCHEMA_QUERY, schemaState } from "./requests";
import { RunFooter } from "./RunFooter";
import { useStore } from "./store";

const PLUGINS = [HISTORY_PLUGIN, BUILDER_PLUGIN, CODE_PLUGIN];

export function Explorer({ linked }: { linked: LinkedDocument | null }) {
  const key = useKey();
  const [attempt, setAttempt] = useState(0);
  const [retry] = useState(() => () => setAttempt((number) => number + 1));
  // GraphiQL loads the schema again when the fetcher changes: for another key, or to retry.
  const fetcher = useMemo(() => createFetcher(), [key, attempt]);
  useEffect(() => {
    resetBudget();
    if (key === "") resetSchema();
  }, [key]);
  // The names of the server are requested after its schema, so that a rejected key is sent once.
  const { kind } = useStore(schemaState);
  useEffect(() => void loadExamples(kind === "ready"), [key, kind]);
  return (
    <>
      <SiteHeader current="Explorer" />
      <main>
        <h1 className="visually-hidden">Explorer</h1>
        <Notice onRetry={retry} />
        <GraphiQL
          fetcher={fetcher}
          // Without a key the schema cannot be loaded; `null` prevents GraphiQL from requesting it.
          {...(key === "" ? { schema: null } : {})}
          introspectionQueryName={SCHEMA_QUERY}
          plugins={PLUGINS}
          defaultQuery={EXAMPLES[0]!.query}
          {...(linked === null ? {} : { initialQuery: linked.query, initialVariables: linked.variables })}
          defaultEditorToolsVisibility="variables"
          // `shared/api.ts` sends the key, so GraphiQL neither edits nor stores headers.
          isHeadersEditorEnabled={false}
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
          forcedTheme="system"
        >
          <GraphiQL.Logo>
            <Examples />
          </GraphiQL.Logo>
          <GraphiQL.Toolbar>{toolbar}</GraphiQL.Toolbar>
          <GraphiQL.Footer>
            <RunFooter />
          </GraphiQL.Footer>
          <EditorEffects linked={linked !== null} />
        </GraphiQL>
      </main>
    </>
  );
}

function toolbar({ prettify, merge, copy }: { prettify: ReactNode; merge: ReactNode; copy: ReactNode }) {
  return (
    <QuoteBar
      tools={
        <>
          {prettify}
          {merge}
          {copy}
        </>
      }
    />
  );
}

/** Effects that need GraphiQL's state. Renders nothing visible. */
function EditorEffects({ linked }: { linked: boolean }) {
  useEditorTheme();
  useStopRuns();
  useClearStaleAnswers();
  useHashLinks();
  useFocus(linked);
  useAccessibleNames();
  return <QuoteSource />;
}

/** Stops a run when the tab or the key changes: GraphiQL would show the response next to the query of another tab. */
function useStopRuns(): void {
  const key = useKey();
  const tab = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.id ?? "");
  const { stop } = useGraphiQLActions();
  // Layout effects run before another response of the server can be processed.
  useLayoutEffect(() => {
    activeTab.id = tab;
    return stop;
  }, [tab, stop]);
  useLayoutEffect(
    () => () => {
      stop();
      clearRuns();
    },
    [key, stop],
  );
}

/**
 * Clears the response pane if the tab has no run with the current key. GraphiQL keeps the responses of all tabs when
 * the key changes, and keeps showing a schema error after the schema was loaded.
 */
function useClearStaleAnswers(): void {
  const { kind } = useStore(schemaState);
  const known = useStore(runs);
  const { editor, tab } = useGraphiQL((state) => ({
    editor: state.responseEditor,
    tab: state.tabs[state.activeTabIndex]?.id ?? "",
  }));
  useEffect(() => {
    if (!known.has(tab)) editor?.setValue("");
  }, [kind, known, editor, tab]);
}

/** Focuses the editor if a link contained a document and a key, so that Ctrl-Enter runs the document. */
function useFocus(linked: boolean): void {
  const editor = useGraphiQL((state) => state.queryEditor);
  const pendingFocus = useRef(linked && getKey() !== "");
  useEffect(() => {
    if (!pendingFocus.current || !editor) return;
    pendingFocus.current = false;
    editor.focus();
  }, [editor]);
}

/** Opens the document of a link that is followed on this page: such a link changes only the URL fragment. */
function useHashLinks(): void {
  const openDocument = useOpenDocument();
  useEffect(() => {
    const follow = () => {
      const linked = takeDocumentFromUrl();
      takeKeyFromUrl();
      if (linked !== null) openDocument(linked);
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  });
}
