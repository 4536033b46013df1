/** The explorer: GraphiQL with a price before each run and a bill after it. */
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { getKey, takeKeyFromAddress } from "../shared/key";
import { SiteHeader, useKey } from "../shared/Site";
import { forgetBudget } from "./budget";
import { BUILDER_PLUGIN } from "./builder";
import { CODE_PLUGIN } from "./code/plugin";
import { useEditorLook } from "./editors";
import { EXAMPLES } from "./examples";
import { Examples, useOpen } from "./Examples";
import { type LinkedDocument, takeDocumentFromAddress } from "./link";
import { useNames } from "./names";
import { Notice } from "./Notice";
import { QuoteBar, QuoteSource } from "./quote/QuoteBar";
import { activeTab, createFetcher, forgetRuns, forgetSchema, runs, SCHEMA_QUERY, schemaState } from "./requests";
import { RunFooter } from "./RunFooter";
import { useStore } from "./store";

const PLUGINS = [HISTORY_PLUGIN, BUILDER_PLUGIN, CODE_PLUGIN];

export function Explorer({ linked }: { linked: LinkedDocument | null }) {
  const key = useKey();
  const [attempt, setAttempt] = useState(0);
  const [retry] = useState(() => () => setAttempt((number) => number + 1));
  // GraphiQL loads the schema anew for another fetcher: for another key, or to try again.
  const fetcher = useMemo(() => createFetcher(), [key, attempt]);
  useEffect(() => {
    forgetBudget();
    if (key === "") forgetSchema();
  }, [key]);
  return (
    <>
      <SiteHeader current="Explorer" />
      <main>
        <h1 className="visually-hidden">Explorer</h1>
        <Notice onRetry={retry} />
        <GraphiQL
          fetcher={fetcher}
          // Without a key there is no schema to ask for; `null` keeps GraphiQL from asking.
          {...(key === "" ? { schema: null } : {})}
          introspectionQueryName={SCHEMA_QUERY}
          plugins={PLUGINS}
          defaultQuery={EXAMPLES[0]!.query}
          {...(linked === null ? {} : { initialQuery: linked.query, initialVariables: linked.variables })}
          defaultEditorToolsVisibility="variables"
          // The key is sent by `shared/api.ts`: GraphiQL has no headers, and keeps none.
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
          <Inside linked={linked !== null} />
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

/** What works with GraphiQL's state and draws nothing. */
function Inside({ linked }: { linked: boolean }) {
  useEditorLook();
  useStops();
  useKnownAnswers();
  useFollowedLinks();
  useFocus(linked);
  useNames();
  return <QuoteSource />;
}

/** A run ends with its tab and with its key: GraphiQL would write its answer beside whatever query is open then. */
function useStops(): void {
  const key = useKey();
  const tab = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.id ?? "");
  const { stop } = useGraphiQLActions();
  // Layout effects, because they are done before anything else can come from the server.
  useLayoutEffect(() => {
    activeTab.id = tab;
    return stop;
  }, [tab, stop]);
  useLayoutEffect(
    () => () => {
      stop();
      forgetRuns();
    },
    [key, stop],
  );
}

/**
 * What stands where answers stand is of a run of this key. GraphiQL keeps the answers of all tabs, whatever the key, and
 * leaves the reason why the schema did not come when the schema has come.
 */
function useKnownAnswers(): void {
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

/** A link brought a document and a key: the next thing is to run it. */
function useFocus(linked: boolean): void {
  const editor = useGraphiQL((state) => state.queryEditor);
  const wanted = useRef(linked && getKey() !== "");
  useEffect(() => {
    if (!wanted.current || !editor) return;
    wanted.current = false;
    editor.focus();
  }, [editor]);
}

/** A link to this page that is followed on this page changes only what stands behind `#`. */
function useFollowedLinks(): void {
  const openDocument = useOpen();
  useEffect(() => {
    const follow = () => {
      const linked = takeDocumentFromAddress();
      takeKeyFromAddress();
      if (linked !== null) openDocument(linked);
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  });
}
