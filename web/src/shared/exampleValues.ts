/** Fills example documents, which are written for the data of `demo`, with the segments and terms of this server. */
import { sendQuery } from "./api";

/** What example documents need of a server. */
export interface ExampleValues {
  slugs: string[];
  regions: string[];
  interests: string[];
}

/** The names in the example documents, in the order in which they are replaced. */
const DEMO_SLUGS = ["harbor-adults", "young-nightlife", "outdoor-hills-and-lakes"];
const DEMO_REGIONS = ["demo-harbor", "demo-hills", "demo-lakes", "demo-plains", "demo-coast"];
const DEMO_INTERESTS = ["food", "nightlife_spot", "outdoors_and_recreation"];

const QUERY = `query ExampleValues {
  segments(first: 3) { nodes { slug } }
  vocabulary { regions interests }
}`;

interface Answer {
  segments: { nodes: { slug: string | null }[] };
  vocabulary: { regions: string[]; interests: string[] };
}

/** Loads the values; null if they cannot be loaded. Costs no units. */
export async function loadExampleValues(): Promise<ExampleValues | null> {
  const { data } = await sendQuery<Answer>(QUERY);
  if (data == null) return null;
  const slugs = data.segments.nodes.flatMap(({ slug }) => (slug === null ? [] : [slug]));
  return { slugs, regions: data.vocabulary.regions, interests: data.vocabulary.interests };
}

/** Replaces the names of the demo. Names that the server has too are kept. */
export function fillExample(text: string, values: ExampleValues): string {
  const { slugs, regions, interests } = values;
  let filled = text;
  if (slugs.length > 0) filled = replaceAll(filled, DEMO_SLUGS, slugs);
  else {
    // Without a saved segment, the documents select a region.
    DEMO_SLUGS.forEach((slug, index) => {
      const region = regions[index % Math.max(1, regions.length)];
      const definition = region === undefined ? "{}" : `{ regions: [${JSON.stringify(region)}] }`;
      for (const quote of ['"', '\\"']) {
        const inside = quote === '"' ? definition : definition.replaceAll('"', '\\"');
        filled = filled.replaceAll(`segment(slug: ${quote}${slug}${quote})`, `cohort(definition: ${inside})`);
      }
    });
  }
  return replaceAll(replaceAll(filled, DEMO_REGIONS, regions), DEMO_INTERESTS, interests);
}

function replaceAll(text: string, names: readonly string[], known: readonly string[]): string {
  const missing = names.filter((name) => !known.includes(name));
  const unused = known.filter((name) => !names.includes(name));
  const others = unused.length > 0 ? unused : known;
  if (others.length === 0) return text;
  return missing.reduce(
    (filled, name, index) =>
      filled.replaceAll(new RegExp(`(?<=["'])${name}(?=\\\\?["'])`, "g"), others[index % others.length]!),
    text,
  );
}
