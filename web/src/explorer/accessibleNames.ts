/** Corrects roles and accessible names in GraphiQL's markup after each render, for screen readers. */
import { useHistory } from "@graphiql/plugin-history";
import { useGraphiQL } from "@graphiql/react";
import { useEffect } from "react";

export function useAccessibleNames(): void {
  const { tabs, activeTabIndex, visiblePlugin } = useGraphiQL((state) => ({
    tabs: state.tabs,
    activeTabIndex: state.activeTabIndex,
    visiblePlugin: state.visiblePlugin,
  }));
  const history = useHistory();
  useEffect(nameTabs, [tabs, activeTabIndex]);
  useEffect(nameHistory, [history, visiblePlugin]);
}

/**
 * GraphiQL puts two buttons into each `role="tab"`, which ARIA forbids. The tabs become a list of buttons, one of them
 * current.
 */
function nameTabs(): void {
  document.querySelector(".graphiql-tabs")?.removeAttribute("role");
  for (const tab of document.querySelectorAll(".graphiql-tab")) {
    tab.removeAttribute("role");
    tab.removeAttribute("aria-selected");
    const [open, close] = tab.querySelectorAll("button");
    open?.setAttribute("aria-current", String(tab.classList.contains("graphiql-tab-active")));
    close?.setAttribute("aria-label", `Close ${open?.textContent ?? "tab"}`);
  }
}

/** GraphiQL labels each entry "Set active". Without the label the text of the entry is its name. */
function nameHistory(): void {
  for (const entry of document.querySelectorAll(".graphiql-history-item-label")) entry.removeAttribute("aria-label");
}
