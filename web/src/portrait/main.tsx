import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { SiteHeader, useKey } from "../shared/Site";
import { takeKeyFromAddress } from "../shared/key";
import { Portrait } from "./Portrait";
import "./style/page.css";
import "./style/choose.css";
import "./style/panel.css";
import "./style/marks.css";
import "./style/pictures.css";

takeKeyFromAddress();
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <SiteHeader current="Portrait" />
    <main id="main">
      <h1>Portrait of a segment</h1>
      <Keyed />
    </main>
  </StrictMode>,
);

/** All that was asked belongs to a key: another key begins anew. */
function Keyed() {
  const key = useKey();
  if (key !== "") return <Portrait key={key} />;
  return (
    <div className="center welcome">
      <p>
        Who are the people of a market segment? How many, what they are like, what they do, how they are connected: as
        pictures, each with its 95 % interval, its quality and its source.
      </p>
      <p>
        Put your <strong>API key</strong> into the bar on top. It stays in this tab and is sent as a header only.
        Nothing about people is asked before you press a button that names its price.
      </p>
      <p>
        No key yet? The operator of this server makes one; <code>spots-enrichment demo</code> prints one for a
        population that does not exist. <a href="/docs">Read the documents</a> meanwhile: they need no key.
      </p>
    </div>
  );
}
