/** The portrait in words: what the released numbers say of A, and where A and B differ by more than the noise. */
import type { Measure, SegmentAnswer } from "./model/answer";
import { describe, formatMeasure, humanize, NBSP } from "./model/format";
import { normalize, type Definition } from "./model/subject";
import type { SelectedSegment } from "./panel/Panel";

/** A number that the headline compares. `more` and `less` describe a person of A, compared with B. */
interface Fact {
  name: string;
  more: string;
  less: string;
  a: Measure;
  b: Measure | undefined;
}

interface Props {
  segments: SelectedSegment[];
  /** The loaded parts of each segment, by tag. */
  answers: Record<"A" | "B", SegmentAnswer>;
  onCompare: (definition: Definition) => void;
}

export function Headline({ segments, answers: { A: a, B: b }, onCompare }: Props) {
  const first = segments[0]!;
  const second = segments.find(({ tag }) => tag === "B");
  const { regions, ageBands, interests, categories } = first.description.definition;
  const isEverybody = ageBands.length + interests.length + categories.length === 0;
  // Everybody of some regions is compared with everybody.
  const others = isEverybody ? [] : regions;
  const place = others.length > 0 ? others.join(", ") : "all regions";
  const nameOfSecond = second?.description.name ?? (second && describe(second.description.definition));
  const facts = factsOf(a, b);
  const compared = facts.filter(({ b }) => b !== undefined);
  const differing = compared.filter(({ a, b }) => apart(a, b!) !== 0);
  return (
    <section className="headline" aria-label="In words">
      <p className="headline-text">{summary(a) ?? "Nothing is loaded yet. Load the pictures to see numbers."}</p>
      {second === undefined ? null : compared.length === 0 ? (
        <p className="hint">The comparison with {nameOfSecond} appears when both segments are loaded.</p>
      ) : (
        <>
          <h2>Compared with {nameOfSecond}</h2>
          {differing.length === 0 ? (
            <p>No number differs by more than the noise.</p>
          ) : (
            <ul>
              {differing.map((fact) => (
                <li key={fact.name} data-fact={fact.name}>
                  {apart(fact.a, fact.b!) > 0 ? fact.more : fact.less}: {text(fact.a)} against {text(fact.b!)}
                </li>
              ))}
            </ul>
          )}
          <p className="hint">
            {compared.length - differing.length} of {compared.length} numbers do not differ by more than the noise:
            their 95{NBSP}% intervals overlap. With so many comparisons, a single difference may still be due to noise.
          </p>
        </>
      )}
      {second !== undefined ? null : isEverybody && regions.length === 0 ? (
        <p className="hint">This segment is everybody.</p>
      ) : (
        <p>
          <button
            type="button"
            className="quiet"
            onClick={() => onCompare(normalize(others.length > 0 ? { regions: others } : {}))}
          >
            Compare with everybody in {place}
          </button>
        </p>
      )}
    </section>
  );
}

/** Whether two intervals are apart: 1 if the first one is above, -1 if it is below, 0 if they overlap. */
function apart(a: Measure, b: Measure): -1 | 0 | 1 {
  if (a.interval95.low > b.interval95.high) return 1;
  return a.interval95.high < b.interval95.low ? -1 : 0;
}

function text(measure: Measure): string {
  const { value, unit } = formatMeasure(measure);
  return unit === "" ? value : `${value}${NBSP}${unit}`;
}

/** A number that is precise enough for a sentence. */
function usable(measure: Measure | null | undefined): measure is Measure {
  return measure != null && measure.quality !== "LOW";
}

/** What is known of a segment, as sentences; undefined if nothing is loaded. */
function summary({ size, behavior, personality, network }: SegmentAnswer): string | undefined {
  const sentences: string[] = [];
  if (size != null) sentences.push(`About ${size.value.toLocaleString("en-US")} people.`);
  if (behavior != null) {
    const { visitsPerPerson: visits, returnVisitRate: returns, averageDwellMinutes: dwell } = behavior;
    const parts = [
      ...(usable(visits) ? [`makes ${text(visits)} visits`] : []),
      ...(usable(returns) ? [`returns to a known place in ${text(returns)} of them`] : []),
      ...(usable(dwell) ? [`stays ${text(dwell)} on average`] : []),
    ];
    const days = behavior.release.window.length.slice("DAYS_".length);
    if (parts.length > 0) sentences.push(`In ${days} days a person ${list(parts)}.`);
  }
  if (personality != null) {
    if (personality.archetype !== "UNCERTAIN")
      sentences.push(`Most are of the archetype ${humanize(personality.archetype)}.`);
    const dimensions = personality.dimensions.filter(({ mean }) => usable(mean));
    const sorted = [...dimensions].sort((one, two) => two.mean.value - one.mean.value);
    const [highest, lowest] = [sorted[0], sorted.at(-1)];
    if (highest !== undefined && lowest !== undefined && apart(highest.mean, lowest.mean) === 1) {
      sentences.push(
        `Highest of the dimensions is ${humanize(highest.name).toLowerCase()} (${text(highest.mean)}), lowest ` +
          `${humanize(lowest.name).toLowerCase()} (${text(lowest.mean)}).`,
      );
    }
  }
  const connections = network?.connectionsPerPerson;
  if (usable(connections)) sentences.push(`A person has ${text(connections)} connections.`);
  return sentences.length === 0 ? undefined : sentences.join(" ");
}

function list(parts: string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

function factsOf(a: SegmentAnswer, b: SegmentAnswer): Fact[] {
  const fact = (
    name: string,
    more: string,
    less: string,
    of: (answer: SegmentAnswer) => Measure | null | undefined,
  ) => {
    const [own, other] = [of(a), of(b)];
    return own == null ? [] : [{ name, more, less, a: own, b: other ?? undefined }];
  };
  return [
    ...fact("visits", "More visits", "Fewer visits", ({ behavior }) => behavior?.visitsPerPerson),
    ...fact("dwell", "Longer stays", "Shorter stays", ({ behavior }) => behavior?.averageDwellMinutes),
    ...fact("returns", "More return visits", "Fewer return visits", ({ behavior }) => behavior?.returnVisitRate),
    ...fact("events", "More events", "Fewer events", ({ behavior }) => behavior?.communityEngagement),
    ...fact("connections", "More connections", "Fewer connections", ({ network }) => network?.connectionsPerPerson),
    ...(a.personality?.dimensions ?? []).flatMap(({ name, mean }) => {
      const other = b.personality?.dimensions.find((one) => one.name === name)?.mean;
      const label = humanize(name).toLowerCase();
      return [{ name, more: `Higher ${label}`, less: `Lower ${label}`, a: mean, b: other }];
    }),
  ];
}
