/** Example queries. They are written for the data of `demo` and filled with the names of the server. */
import { fillExample, loadExampleValues, type ExampleValues } from "../../shared/exampleValues";
import { getKey } from "../../shared/key";
import { Store, useStore } from "../store";
import whoAmI from "./1-who-am-i.graphql?raw";
import portrait from "./2-portrait.graphql?raw";
import sideBySide from "./3-side-by-side.graphql?raw";
import compose from "./4-compose.graphql?raw";
import composeVariables from "./4-compose.json?raw";
import products from "./5-products.graphql?raw";
import productsVariables from "./5-products.json?raw";
import quoteAndKnot from "./6-quote-and-knot.graphql?raw";
import quoteAndKnotVariables from "./6-quote-and-knot.json?raw";

export interface Example {
  title: string;
  description: string;
  query: string;
  variables: string;
}

export const EXAMPLES: Example[] = [
  {
    title: "Account, limits and vocabulary",
    description: "Limits, remaining units, and the values of segment definitions",
    query: whoAmI,
    variables: "",
  },
  {
    title: "Portrait of one segment",
    description: "Size, behavior, personality and network, each number with its interval",
    query: portrait,
    variables: "",
  },
  {
    title: "Three segments in one document",
    description: "Aliases and a fragment: one request, one price",
    query: sideBySide,
    variables: "",
  },
  {
    title: "Compose a segment",
    description: "An inline cohort with variables; nothing is saved",
    query: compose,
    variables: composeVariables,
  },
  {
    title: "Product compatibility",
    description: "The score of a product, and your catalog ranked by score",
    query: products,
    variables: productsVariables,
  },
  {
    title: "Quote a document before running it",
    description: "The price as a field of the API; and the knot of a braid",
    query: quoteAndKnot,
    variables: quoteAndKnotVariables,
  },
];

const values = new Store<ExampleValues | null>(null);

/**
 * Loads the names of the server if the current key is accepted. Until then, and after a failure, they are those of the
 * demo.
 */
export async function loadExamples(accepted: boolean): Promise<void> {
  const key = getKey();
  values.set(null);
  if (key === "" || !accepted) return;
  const loaded = await loadExampleValues();
  if (key === getKey()) values.set(loaded);
}

export function useExamples(): Example[] {
  const known = useStore(values);
  if (known === null) return EXAMPLES;
  return EXAMPLES.map((example) => ({
    ...example,
    query: fillExample(example.query, known),
    variables: fillExample(example.variables, known),
  }));
}
