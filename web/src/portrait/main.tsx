import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { SiteHeader, useKey } from "../shared/Site";
import { takeKeyFromUrl } from "../shared/key";
import { Portrait } from "./Portrait";
import "./style/page.css";
import "./style/choose.css";
import "./style/panel.css";
import "./style/marks.css";
import "./style/pictures.css";

takeKeyFromUrl();
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <SiteHeader current="Portrait" />
    <main id="main">
      <h1>Portrait of a segment</h1>
      <Keyed />
    </main>
  </StrictMode>,
);

/** All loaded data belongs to one key: another key resets the page. */
function Keyed() {
  const key = useKey();
  if (key !== "") return <Portrait key={key} />;
  return (
    <div className="center welcome">
      <p>
        Pictures of a market segment: its size, behavior, personality and network. Each number has a 95 % interval, a
        quality and a source.
      </p>
      <p>
        Enter your <strong>API key</strong> in the header of the page. The key is stored in this tab only and sent only
        in a header. No data about people is requested before you press a button that shows its price.
      </p>
      <p>
        No key? The operator of this server creates keys; <code>spots-enrichment demo</code> prints a key for a
        synthetic population. The <a href="/docs">documentation</a> requires no key.
      </p>
    </div>
  );
}
