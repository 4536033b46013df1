/** Searches the sections of all documents. The documents are loaded when the search is used for the first time. */

/** A section of a document. */
interface Section {
  /** The title of the document. */
  document: string;
  heading: string;
  /** The URL of the section. */
  url: string;
  text: string;
}

const MAX_RESULTS = 12;
/** Characters of the text that are shown around a match. */
const CONTEXT = 60;

export function addSearch(): void {
  const form = document.querySelector<HTMLFormElement>("form.search");
  const input = form?.querySelector("input");
  const results = document.querySelector<HTMLElement>(".search-results");
  if (!form || !input || !results) return;
  form.hidden = false;
  let sections: Promise<Section[]> | undefined;
  const update = async () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return results.replaceChildren();
    sections ??= load();
    const found = search(await sections, words);
    if (words.join(" ") !== input.value.toLowerCase().split(/\s+/).filter(Boolean).join(" ")) return;
    results.replaceChildren(...found.map((section) => item(section, words)));
    if (found.length === 0) results.textContent = "No section contains all of these words.";
  };
  input.addEventListener("input", () => void update());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    results.querySelector("a")?.click();
  });
}

/** The sections that contain all words: first those with the words in the heading. */
export function search(sections: readonly Section[], words: readonly string[]): Section[] {
  const score = ({ heading, document, text }: Section) => {
    const [title, body] = [`${heading} ${document}`.toLowerCase(), text.toLowerCase()];
    if (!words.every((word) => title.includes(word) || body.includes(word))) return 0;
    return 1 + 10 * words.filter((word) => heading.toLowerCase().includes(word)).length;
  };
  const scored = sections.map((section) => ({ section, score: score(section) })).filter(({ score }) => score > 0);
  return scored
    .sort((one, two) => two.score - one.score)
    .slice(0, MAX_RESULTS)
    .map(({ section }) => section);
}

async function load(): Promise<Section[]> {
  const links = [...document.querySelectorAll<HTMLAnchorElement>("a[data-document]")];
  const loaded = links.map(async (link) => {
    const response = await fetch(link.href, { headers: { accept: "text/plain" } });
    return response.ok ? split(await response.text(), link.textContent ?? "", link.pathname) : [];
  });
  return (await Promise.all(loaded)).flat();
}

/** Splits Markdown at its headings. The anchors follow the rule of the server (`src/server/pages/documents.rs`). */
export function split(markdown: string, title: string, path: string): Section[] {
  const sections: Section[] = [];
  const used = new Map<string, number>();
  let isCode = false;
  for (const line of markdown.split("\n")) {
    if (line.startsWith("```")) isCode = !isCode;
    const heading = isCode ? undefined : /^#{1,6} (.*)$/.exec(line)?.[1];
    if (heading === undefined) {
      const section = sections.at(-1);
      if (section !== undefined) section.text += `${line} `;
      continue;
    }
    const name = heading.replaceAll("`", "");
    const slug = name
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    const count = used.get(slug) ?? 0;
    used.set(slug, count + 1);
    const anchor = count === 0 ? slug : `${slug}-${count}`;
    sections.push({ document: title, heading: name, url: `${path}#${anchor}`, text: "" });
  }
  return sections;
}

function item(section: Section, words: readonly string[]): HTMLElement {
  const entry = document.createElement("li");
  const link = document.createElement("a");
  link.href = section.url;
  link.textContent = section.heading;
  const where = document.createElement("span");
  where.textContent = ` ${section.document}`;
  const context = document.createElement("p");
  const plain = section.text.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*|]/g, "");
  const at = Math.max(0, ...words.map((word) => plain.toLowerCase().indexOf(word)));
  context.textContent = plain.slice(Math.max(0, at - CONTEXT), at + CONTEXT).trim();
  entry.append(link, where, context);
  return entry;
}
