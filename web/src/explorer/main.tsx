import "graphiql/setup-workers/vite";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "@graphiql/plugin-explorer/style.css";
import "graphiql/graphiql.css";
import "./graphiql.css";
import "./explorer.css";
import { createRoot } from "react-dom/client";
import { takeKeyFromUrl } from "../shared/key";
import { Explorer } from "./Explorer";
import { takeDocumentFromUrl } from "./link";

// The document first, then the key: both are removed from the URL.
const linked = takeDocumentFromUrl();
takeKeyFromUrl();
// Without StrictMode, which mounts twice: GraphiQL would load the schema twice.
createRoot(document.getElementById("root")!).render(<Explorer linked={linked} />);
