/** Copies a document, and shows it where the browser does not let a page copy. */
import { useState } from "react";
import { copyText, explorerLink, type Request } from "../documents/document";

export function CopyButton({ request, tag }: { request: Request; tag: "A" | "B" | null }) {
  const [copied, setCopied] = useState<"no" | "yes" | "by hand">("no");
  const text = copyText(request);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied("yes");
      setTimeout(() => setCopied("no"), 2500);
    } catch {
      setCopied("by hand");
    }
  };
  const of = tag === null ? "" : ` (${tag})`;
  return (
    <span className="copy">
      <button type="button" className="quiet" onClick={() => void copy()}>
        {copied === "yes" ? `Copied${of}` : `Copy as GraphQL${of}`}
      </button>
      {/* A tab of its own keeps the pictures; with an opener it begins with a copy of this one's session, the key. */}
      <a href={explorerLink(request)} target="_blank" rel="opener">{`Open in explorer${of}`}</a>
      {copied === "by hand" ? (
        <textarea readOnly rows={12} value={text} aria-label="Document to copy" ref={(node) => node?.select()} />
      ) : null}
    </span>
  );
}
