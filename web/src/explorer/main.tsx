import "graphiql/setup-workers/vite";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "@graphiql/plugin-explorer/style.css";
import "graphiql/graphiql.css";
import "./graphiql.css";
import "./explorer.css";
import { createRoot } from "react-dom/client";
import { takeKeyFromAddress } from "../shared/key";
import { Explorer } from "./Explorer";
import { takeDocumentFromAddress } from "./link";

// The document first: taking the key empties the address.
const linked = takeDocumentFromAddress();
takeKeyFromAddress();
// Not in StrictMode: it mounts twice, and GraphiQL asks for the schema each time.
createRoot(document.getElementById("root")!).render(<Explorer linked={linked} />);
