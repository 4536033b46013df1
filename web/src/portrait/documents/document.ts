/** A document for some pictures of one segment, and its variables. */
import type { WindowLength } from "../model/answer";
import { ROOT } from "../model/errors";
import { productState, type Product } from "../model/product";
import { subjectKey, tidy, type Definition, type Subject } from "../model/subject";
import { PICTURES, SHARED, type PictureId } from "./fragments";

/** What pictures depend on beside their segment. */
export interface Settings {
  window: WindowLength;
  product: Product;
  /** The second segment as `compare(with:)` wants it; null if there is none. */
  with: Definition | null;
}

const TYPES = { window: "WindowLength!", product: "ProductState!", with: "SegmentDefinition!" } as const;
type Name = keyof typeof TYPES;

export interface Request {
  document: string;
  variables: Record<string, unknown>;
  /** Equal for requests of equal price. */
  priceKey: string;
}

/** One picture has an operation of its name; several together are a portrait. */
export function request(pictures: readonly PictureId[], subject: Subject, settings: Settings): Request {
  const own = pictures.map((id) => PICTURES[id]);
  const fragments = [...own, ...sharedBy(own)];
  const used = (Object.keys(TYPES) as Name[]).filter((name) => own.some((text) => text.includes(`$${name})`)));
  const [field, argument] =
    "slug" in subject
      ? (["segment(slug: $slug)", "$slug: String!"] as const)
      : ([`${ROOT}: cohort(definition: $definition)`, "$definition: SegmentDefinition!"] as const);
  const declared = [argument, ...used.map((name) => `$${name}: ${TYPES[name]}`)].join(", ");
  const only = pictures.length === 1 ? pictures[0] : undefined;
  const name = only === undefined ? "Portrait" : only.charAt(0).toUpperCase() + only.slice(1);
  const spread = pictures.map((id) => `    ...${id}`).join("\n");
  const document = `query ${name}(${declared}) {\n  ${field} {\n${spread}\n  }\n}\n\n${fragments.join("\n\n")}\n`;
  const variables: Record<string, unknown> = {
    ...("slug" in subject ? { slug: subject.slug } : { definition: tidy(subject.definition) }),
    ...Object.fromEntries(used.map((name) => [name, valueOf(name, settings)])),
  };
  // What a product states has no price (`docs/limits.md`), so sliding it asks for no new quote.
  const { product: _, ...priced } = variables;
  return { document, variables, priceKey: document + JSON.stringify(priced) };
}

function valueOf(name: Name, settings: Settings): unknown {
  return name === "product" ? productState(settings.product) : settings[name];
}

/** The shared fragments that some texts need, those that these need in turn included. */
function sharedBy(texts: readonly string[]): string[] {
  const needed = new Set<keyof typeof SHARED>();
  const look = (text: string) => {
    for (const [, name] of text.matchAll(/\.\.\.(\w+)/g)) {
      const key = name as keyof typeof SHARED;
      if (!(key in SHARED) || needed.has(key)) continue;
      needed.add(key);
      look(SHARED[key]);
    }
  };
  texts.forEach(look);
  return [...needed].sort().map((name) => SHARED[name]);
}

/** Names the answer to one picture of one segment: equal keys are equal questions. */
export function answerKey(picture: PictureId, subject: Subject, settings: Settings): string {
  const { variables } = request([picture], subject, settings);
  const { slug: _, definition: __, ...others } = variables;
  return `${picture} ${subjectKey(subject)} ${JSON.stringify(others)}`;
}

/** The document in the explorer, which runs nothing by itself. */
export function explorerLink({ document, variables }: Pick<Request, "document" | "variables">): string {
  const query = encodeURIComponent(document);
  return `/#query=${query}&variables=${encodeURIComponent(JSON.stringify(variables, null, 2))}`;
}

/** The same document with its variables as defaults: one text that runs as it is, and still takes other variables. */
export function copyText({ document, variables }: Pick<Request, "document" | "variables">): string {
  return document.replace(/\$(\w+): \w+!(?=[,)])/g, (declared, name: string) =>
    name in variables ? `${declared} = ${literal(variables[name], name)}` : declared,
  );
}

/** Fields whose text is an enum value and not a string. */
const ENUMS = ["window", "price"];

/** A JSON value as GraphQL writes it: names without quotes. */
function literal(value: unknown, field: string): string {
  if (typeof value === "string") return ENUMS.includes(field) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, field)).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, inner]) => `${name}: ${literal(inner, name)}`);
    return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
  }
  return JSON.stringify(value);
}
