/** Queries to begin with. Each runs as it is on the data of `spots-enrichment demo`. */
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
  teaches: string;
  query: string;
  variables: string;
}

export const EXAMPLES: Example[] = [
  {
    title: "Who am I, and what may I spend?",
    teaches: "Limits, units that are left, and the words of the vocabulary",
    query: whoAmI,
    variables: "",
  },
  {
    title: "The portrait of one segment",
    teaches: "Size, behavior, personality and network, each with its interval",
    query: portrait,
    variables: "",
  },
  {
    title: "Three segments in one document",
    teaches: "Aliases and a fragment: one request, one price",
    query: sideBySide,
    variables: "",
  },
  {
    title: "Compose a segment of your own",
    teaches: "An inline cohort with variables; nothing is saved",
    query: compose,
    variables: composeVariables,
  },
  {
    title: "Does a product suit these people?",
    teaches: "Compatibility of a product, and your catalog ranked",
    query: products,
    variables: productsVariables,
  },
  {
    title: "Ask for the price first",
    teaches: "A quote as your program asks for it; and a knot",
    query: quoteAndKnot,
    variables: quoteAndKnotVariables,
  },
];
