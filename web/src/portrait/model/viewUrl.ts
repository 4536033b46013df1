/** Converts the view to and from a query string that can be shared. It never contains the key. */
import type { Precision, WindowLength } from "./answer";
import { DIMENSIONS, fieldOf, type DimensionName, type Product } from "./product";
import { normalize, type Subject } from "./subject";

export interface View {
  a: Subject | null;
  b: Subject | null;
  window: WindowLength;
  precision: Precision;
  product: Product;
  /** Whether the URL contains segment parameters that are unknown or invalid. */
  unrecognized: boolean;
}

const WINDOWS: Record<string, WindowLength> = { "7": "DAYS_7", "28": "DAYS_28", "84": "DAYS_84" };
const PRECISIONS: Record<string, Precision> = { ok: "OK", high: "HIGH", finest: "FINEST" };
const SECOND = "with.";
const PRODUCT = "product.";

export function readView(query: URLSearchParams): View {
  const a = readSubject(query);
  const b = readSubject(query, SECOND);
  return {
    a,
    b: a === null ? null : b,
    unrecognized: (a === null && namesOf(query, "").length > 0) || (b === null && namesOf(query, SECOND).length > 0),
    window: WINDOWS[query.get("window") ?? ""] ?? "DAYS_28",
    precision: PRECISIONS[query.get("precision") ?? ""] ?? "HIGH",
    product: readProduct(query),
  };
}

export function writeView(view: View): string {
  const query = new URLSearchParams();
  if (view.a !== null) writeSubject(query, view.a);
  if (view.b !== null) writeSubject(query, view.b, SECOND);
  if (view.window !== "DAYS_28") query.set("window", view.window.slice("DAYS_".length));
  if (view.precision !== "HIGH") query.set("precision", view.precision.toLowerCase());
  writeProduct(query, view.product);
  return query.toString();
}

/**
 * The segment of a query string. Null if there is none, or if any segment parameter is unknown or invalid: ignoring a
 * filter would enlarge the segment.
 */
export function readSubject(query: URLSearchParams, prefix = ""): Subject | null {
  const names = namesOf(query, prefix);
  const text = (name: string) => query.getAll(prefix + name);
  const [slug = ""] = text("segment");
  const subjectNames = names.filter((name) => SUBJECT_NAMES.includes(name));
  if (subjectNames.includes("segment")) return subjectNames.length === 1 && slug !== "" ? { slug } : null;
  if (names.length > subjectNames.length) return null;
  if (subjectNames.includes("everybody"))
    return subjectNames.length === 1 && text("everybody").join() === "1" ? { definition: {} } : null;
  const years = (name: string) => text(name).map((years) => (/^\d{1,3}$/.test(years) ? Number(years) : null));
  const [from, to] = [years("from"), years("to")];
  const [regions, interests, categories] = [text("region"), text("interest"), text("category")] as const;
  const validAges = from.length < 2 && to.length < 2 && ![...from, ...to].includes(null);
  const emptyValue = [...regions, ...interests, ...categories].some((value) => value.trim() === "");
  if (subjectNames.length === 0 || !validAges || emptyValue) return null;
  return {
    definition: normalize({
      regions,
      interests,
      categories,
      age: { ...(from[0] == null ? {} : { from: from[0] }), ...(to[0] == null ? {} : { to: to[0] }) },
    }),
  };
}

/** The query parameters that define the subject of a portrait. */
const SUBJECT_NAMES = ["segment", "region", "from", "to", "interest", "category", "everybody"];

/** The query parameters that are neither of a segment nor of the product. */
const SETTINGS = ["window", "precision"];

/** The names of all segment parameters of a query string, including unknown ones. */
function namesOf(query: URLSearchParams, prefix: string): string[] {
  const names = [...new Set(query.keys())];
  if (prefix !== "") return names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  return names.filter((name) => !SETTINGS.includes(name) && !name.startsWith(SECOND) && !name.startsWith(PRODUCT));
}

function writeSubject(query: URLSearchParams, subject: Subject, prefix = "") {
  if ("slug" in subject) return query.set(`${prefix}segment`, subject.slug);
  const { regions = [], age = {}, interests = [], categories = [] } = normalize(subject.definition);
  for (const region of regions) query.append(`${prefix}region`, region);
  if (age.from !== undefined) query.set(`${prefix}from`, String(age.from));
  if (age.to !== undefined) query.set(`${prefix}to`, String(age.to));
  for (const interest of interests) query.append(`${prefix}interest`, interest);
  for (const category of categories) query.append(`${prefix}category`, category);
  if (Object.keys(normalize(subject.definition)).length === 0) query.set(`${prefix}everybody`, "1");
}

function readProduct(query: URLSearchParams): Product {
  const dimensions: Partial<Record<DimensionName, number>> = {};
  for (const name of DIMENSIONS) {
    const text = query.get(PRODUCT + fieldOf(name));
    if (text !== null && /^(0(\.\d+)?|1(\.0+)?)$/.test(text)) dimensions[name] = Number(text);
  }
  const price = query.get(`${PRODUCT}price`);
  return {
    dimensions,
    price: price !== null && /^[A-Z]+$/.test(price) ? price : null,
    styles: query.getAll(`${PRODUCT}style`),
    features: query.getAll(`${PRODUCT}feature`),
  };
}

function writeProduct(query: URLSearchParams, { dimensions, price, styles, features }: Product) {
  for (const name of DIMENSIONS) {
    const value = dimensions[name];
    if (value !== undefined) query.set(PRODUCT + fieldOf(name), String(value));
  }
  if (price !== null) query.set(`${PRODUCT}price`, price);
  for (const style of styles) query.append(`${PRODUCT}style`, style);
  for (const feature of features) query.append(`${PRODUCT}feature`, feature);
}
