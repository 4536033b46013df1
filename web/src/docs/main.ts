/** Adds to the pages of the documents: highlighted code, buttons at code blocks, and the search. */
import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import graphql from "highlight.js/lib/languages/graphql";
import ini from "highlight.js/lib/languages/ini";
import json from "highlight.js/lib/languages/json";
import nginx from "highlight.js/lib/languages/nginx";
import python from "highlight.js/lib/languages/python";
import typescript from "highlight.js/lib/languages/typescript";
import { copyToClipboard } from "../shared/clipboard";
import { explorerUrl } from "../shared/explorerUrl";
import { fillExample, loadExampleValues } from "../shared/exampleValues";
import { getKey } from "../shared/key";
import { addSearch } from "./search";

for (const [name, language] of Object.entries({ bash, graphql, ini, json, nginx, python, typescript })) {
  hljs.registerLanguage(name, language);
}
hljs.registerAliases(["sh", "shell"], { languageName: "bash" });

addSearch();
// With a key of this tab, the examples get the names of this server.
const values = getKey() === "" ? null : await loadExampleValues();
const blocks = [...document.querySelectorAll<HTMLElement>("pre > code")];
if (values !== null) {
  for (const code of blocks) code.textContent = fillExample(code.textContent ?? "", values);
}
const texts = new Map(blocks.map((code) => [code, code.textContent ?? ""]));
for (const [index, code] of blocks.entries()) {
  const language = languageOf(code);
  const text = texts.get(code)!;
  const next = blocks[index + 1];
  if (language !== undefined && hljs.getLanguage(language) !== undefined) hljs.highlightElement(code);
  const tools = document.createElement("div");
  tools.className = "code-tools";
  tools.append(copyButton(text));
  if (language === "graphql" && /^\s*(#|\{|query|mutation|fragment)/.test(text)) {
    // A block of variables directly after a document belongs to it.
    const variables = next !== undefined && languageOf(next) === "json" && isNear(code, next) ? texts.get(next)! : "";
    tools.append(explorerLink(text, variables));
  }
  code.parentElement!.before(tools);
}

function languageOf(code: HTMLElement): string | undefined {
  return /language-(\w+)/.exec(code.className)?.[1];
}

/** Whether at most one paragraph is between two blocks, and it says that the second one has the variables. */
function isNear(one: HTMLElement, two: HTMLElement): boolean {
  const between = one.parentElement!.nextElementSibling;
  return (
    between !== null && between.nextElementSibling === two.parentElement && /variables/.test(between.textContent ?? "")
  );
}

function copyButton(text: string): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", () => {
    void copyToClipboard(text).then((copied) => show(copied ? "Copied" : "Not copied: the browser does not allow it"));
  });
  function show(result: string): void {
    button.textContent = result;
    setTimeout(() => (button.textContent = "Copy"), 2_000);
  }
  return button;
}

function explorerLink(query: string, variables: string): HTMLAnchorElement {
  const link = document.createElement("a");
  link.href = explorerUrl(query, variables);
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = "Open in explorer";
  return link;
}
