import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// `npm run dev` serves the pages and forwards API requests to a running server, such as `spots-enrichment demo`.
const server = process.env["SERVER"] ?? "http://127.0.0.1:8080";

/** Writes a compressed `.gz` copy of each file. The binary embeds these copies (`build.rs`). */
const gzip: Plugin = {
  name: "gzip",
  apply: "build",
  async writeBundle({ dir }, bundle) {
    for (const name of Object.keys(bundle)) {
      const file = join(dir ?? "", name);
      await writeFile(`${file}.gz`, gzipSync(await readFile(file), { level: constants.Z_BEST_COMPRESSION }));
    }
  },
};

export default defineConfig({
  plugins: [react(), gzip],
  build: {
    rolldownOptions: { input: ["index.html", "portrait.html", "src/docs/main.ts"] },
    // The server's content security policy allows neither `data:` scripts nor inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 5_000,
  },
  server: { proxy: { "/graphql": server, "/docs": server, "/style.css": server } },
});
