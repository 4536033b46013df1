/** Builds the document for one or more pictures of a segment, and its variables. */
import { explorerUrl } from "../../shared/explorerUrl";
import type { Precision, WindowLength } from "../model/answer";
import { ROOT } from "../model/errors";
import { productState, type Product } from "../model/product";
import { subjectKey, normalize, type Definition, type Subject } from "../model/subject";
import { PICTURES, SHARED, type PictureId } from "./fragments";

/** The parameters of pictures other than the segment. */
export interface Settings {
  window: WindowLength;
  precision: Precision;
  product: Product;
  /** The second segment in the format of `compare(with:)`; null if there is none. */
  with: Definition | null;
}

const TYPES = {
  precision: "Precision!",
  window: "WindowLength!",
  product: "ProductState!",
  with: "SegmentDefinition!",
} as const;
type Name = keyof typeof TYPES;

export interface Request {
  document: string;
  variables: Record<string, unknown>;
  /** Identifies the price: requests with equal keys have equal prices. */
  priceKey: string;
}

/** Builds a request. The operation is named after the picture, or `Portrait` if there are several pictures. */
export function request(pictures: readonly PictureId[], subject: Subject, settings: Settings): Request {
  const own = pictures.map((id) => PICTURES[id]);
  const fragments = [...own, ...sharedBy(own)];
  const isUsed = (name: Name) => name === "precision" || own.some((text) => text.includes(`$${name})`));
  const used = (Object.keys(TYPES) as Name[]).filter(isUsed);
  const [field, argument] =
    "slug" in subject
      ? (["segment(slug: $slug, precision: $precision)", "$slug: String!"] as const)
      : ([
          `${ROOT}: cohort(definition: $definition, precision: $precision)`,
          "$definition: SegmentDefinition!",
        ] as const);
  const declared = [argument, ...used.map((name) => `$${name}: ${TYPES[name]}`)].join(", ");
  const only = pictures.length === 1 ? pictures[0] : undefined;
  const name = only === undefined ? "Portrait" : only.charAt(0).toUpperCase() + only.slice(1);
  const spread = pictures.map((id) => `    ...${id}`).join("\n");
  const document = `query ${name}(${declared}) {\n  ${field} {\n${spread}\n  }\n}\n\n${fragments.join("\n\n")}\n`;
  const variables: Record<string, unknown> = {
    ...("slug" in subject ? { slug: subject.slug } : { definition: normalize(subject.definition) }),
    ...Object.fromEntries(used.map((name) => [name, valueOf(name, settings)])),
  };
  // The price does not depend on the product (`docs/limits.md`), so a slider needs no new quote.
  const { product: _, ...priced } = variables;
  return { document, variables, priceKey: document + JSON.stringify(priced) };
}

function valueOf(name: Name, settings: Settings): unknown {
  return name === "product" ? productState(settings.product) : settings[name];
}

/** The shared fragments that the given documents use, directly or through other fragments. */
function sharedBy(texts: readonly string[]): string[] {
  const needed = new Set<keyof typeof SHARED>();
  const collect = (text: string) => {
    for (const [, name] of text.matchAll(/\.\.\.(\w+)/g)) {
      const key = name as keyof typeof SHARED;
      if (!(key in SHARED) || needed.has(key)) continue;
      needed.add(key);
      collect(SHARED[key]);
    }
  };
  texts.forEach(collect);
  return [...needed].sort().map((name) => SHARED[name]);
}

/** Identifies the answer for one picture of one segment with the given settings. */
export function answerKey(picture: PictureId, subject: Subject, settings: Settings): string {
  const { variables } = request([picture], subject, settings);
  const { slug: _, definition: __, ...others } = variables;
  return `${picture} ${subjectKey(subject)} ${JSON.stringify(others)}`;
}

/** A link that opens the document in the explorer without running it. */
export function explorerLink({ document, variables }: Pick<Request, "document" | "variables">): string {
  return explorerUrl(document, JSON.stringify(variables, null, 2));
}

/** The document with the variables as default values, so that it runs without variables and still accepts them. */
export function copyText({ document, variables }: Pick<Request, "document" | "variables">): string {
  return document.replace(/\$(\w+): \w+!(?=[,)])/g, (declared, name: string) =>
    name in variables ? `${declared} = ${literal(variables[name], name)}` : declared,
  );
}

/** Fields whose value is an enum value, not a string. */
const ENUMS = ["precision", "window", "price"];

/** A JSON value as a GraphQL literal: object fields without quotes. */
function literal(value: unknown, field: string): string {
  if (typeof value === "string") return ENUMS.includes(field) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, field)).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, inner]) => `${name}: ${literal(inner, name)}`);
    return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
  }
  return JSON.stringify(value);
}
