/** The query builder pane. Its fields have no accessible names: each is labeled with the text before it. */
import { explorerPlugin } from "@graphiql/plugin-explorer";
import type { GraphiQLPlugin } from "@graphiql/react";
import { useEffect, useRef } from "react";

const { content: Content, ...plugin } = explorerPlugin();

export const BUILDER_PLUGIN: GraphiQLPlugin = { ...plugin, content: NamedContent };

function NamedContent() {
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const pane = frame.current;
    if (pane === null) return;
    const name = () => {
      for (const field of pane.querySelectorAll("select:not([aria-label]), input:not([aria-label])")) {
        field.setAttribute("aria-label", textBefore(field, pane));
      }
    };
    name();
    // The pane renders its fields from internal state, so changes can only be observed in the DOM.
    const observer = new MutationObserver(name);
    observer.observe(pane, { childList: true, subtree: true });
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={frame}>
      <Content />
    </div>
  );
}

/** The nearest text before an element, such as `slug*:` before the field of an argument. */
function textBefore(element: Element, within: Element): string {
  for (let node: Element | null = element; node !== null && node !== within; node = node.parentElement) {
    const text = node.previousElementSibling?.textContent?.trim().replace(/[*:]+$/, "");
    if (text) return text;
  }
  return "Value";
}
