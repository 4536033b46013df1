/** Roles and names of GraphiQL's markup, set right for people who do not see it; after each drawing of it. */
import { useHistory } from "@graphiql/plugin-history";
import { useGraphiQL } from "@graphiql/react";
import { useEffect } from "react";

export function useNames(): void {
  const { tabs, activeTabIndex, visiblePlugin } = useGraphiQL((state) => ({
    tabs: state.tabs,
    activeTabIndex: state.activeTabIndex,
    visiblePlugin: state.visiblePlugin,
  }));
  const history = useHistory();
  useEffect(nameTabs, [tabs, activeTabIndex]);
  useEffect(nameHistory, [history, visiblePlugin]);
}

/** `role="tab"` with two buttons inside: nothing may be pressed inside of a tab. They are a list of buttons, one current. */
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

/** Each entry is called "Set active"; its text says which it is. */
function nameHistory(): void {
  for (const entry of document.querySelectorAll(".graphiql-history-item-label")) entry.removeAttribute("aria-label");
}
