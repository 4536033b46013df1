/** Copies a document. If the browser denies access to the clipboard, shows the document for manual copying. */
import { useState } from "react";
import { copyToClipboard } from "../../shared/clipboard";
import { copyText, explorerLink, type Request } from "../documents/document";

export function CopyButton({ request, tag }: { request: Request; tag: "A" | "B" | null }) {
  const [copied, setCopied] = useState<"no" | "yes" | "manual">("no");
  const text = copyText(request);
  const copy = async () => {
    if (!(await copyToClipboard(text))) return setCopied("manual");
    setCopied("yes");
    setTimeout(() => setCopied("no"), 2500);
  };
  const of = tag === null ? "" : ` (${tag})`;
  return (
    <span className="copy">
      <button type="button" className="quiet" onClick={() => void copy()}>
        {copied === "yes" ? `Copied${of}` : `Copy as GraphQL${of}`}
      </button>
      {/* A new tab keeps the pictures. With an opener it inherits the session storage, which contains the key. */}
      <a href={explorerLink(request)} target="_blank" rel="opener">{`Open in explorer${of}`}</a>
      {copied === "manual" ? (
        <textarea readOnly rows={12} value={text} aria-label="Document to copy" ref={(node) => node?.select()} />
      ) : null}
    </span>
  );
}
