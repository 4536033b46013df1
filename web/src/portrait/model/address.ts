/** The view as a query string, so that it can be shared. The key is never part of it. */
import type { WindowLength } from "./answer";
import { DIMENSIONS, fieldOf, type DimensionName, type Product } from "./product";
import { tidy, type Definition, type Subject } from "./subject";

export interface View {
  a: Subject | null;
  b: Subject | null;
  window: WindowLength;
  product: Product;
}

const WINDOWS: Record<string, WindowLength> = { "7": "DAYS_7", "28": "DAYS_28", "84": "DAYS_84" };
const SECOND = "with.";
const PRODUCT = "product.";

export function readView(query: URLSearchParams): View {
  const a = readSubject(query);
  return {
    a,
    b: a === null ? null : readSubject(query, SECOND),
    window: WINDOWS[query.get("window") ?? ""] ?? "DAYS_28",
    product: readProduct(query),
  };
}

export function writeView(view: View): string {
  const query = new URLSearchParams();
  if (view.a !== null) writeSubject(query, view.a);
  if (view.b !== null) writeSubject(query, view.b, SECOND);
  if (view.window !== "DAYS_28") query.set("window", view.window.slice("DAYS_".length));
  writeProduct(query, view.product);
  return query.toString();
}

/** The segment of a query string; null if it names none. */
export function readSubject(query: URLSearchParams, prefix = ""): Subject | null {
  const slug = query.get(`${prefix}segment`);
  if (slug !== null && slug !== "") return { slug };
  const number = (name: string) => {
    const text = query.get(prefix + name);
    return text !== null && /^\d{1,3}$/.test(text) ? Number(text) : undefined;
  };
  const [from, to] = [number("from"), number("to")];
  const definition: Definition = tidy({
    regions: query.getAll(`${prefix}region`),
    interests: query.getAll(`${prefix}interest`),
    categories: query.getAll(`${prefix}category`),
    age: { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) },
  });
  return Object.keys(definition).length > 0 || query.has(`${prefix}everybody`) ? { definition } : null;
}

function writeSubject(query: URLSearchParams, subject: Subject, prefix = "") {
  if ("slug" in subject) return query.set(`${prefix}segment`, subject.slug);
  const { regions = [], age = {}, interests = [], categories = [] } = tidy(subject.definition);
  for (const region of regions) query.append(`${prefix}region`, region);
  if (age.from !== undefined) query.set(`${prefix}from`, String(age.from));
  if (age.to !== undefined) query.set(`${prefix}to`, String(age.to));
  for (const interest of interests) query.append(`${prefix}interest`, interest);
  for (const category of categories) query.append(`${prefix}category`, category);
  if (Object.keys(tidy(subject.definition)).length === 0) query.set(`${prefix}everybody`, "1");
}

function readProduct(query: URLSearchParams): Product {
  const dimensions: Partial<Record<DimensionName, number>> = {};
  for (const name of DIMENSIONS) {
    const text = query.get(PRODUCT + fieldOf(name));
    const value = Number(text);
    if (text !== null && text !== "" && value >= 0 && value <= 1) dimensions[name] = value;
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
