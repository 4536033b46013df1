/** The provenance of a picture: quality, release, window, price, and the cost of its request. */
import { Tag } from "../charts/Figure";
import type { Series } from "../charts/series";
import type { Description, WindowLength } from "../model/answer";
import { amount, days, NAMES_OF_WINDOWS } from "../model/format";
import type { Entry } from "../state/queryState";
import { numbersOf, qualities } from "./numbers";
import type { Spec } from "./specs";

type LoadedEntry = Extract<Entry, { state: "loaded" }>;

interface Props {
  spec: Spec;
  series: Series;
  entry: LoadedEntry;
  tagged: boolean;
}

export function Provenance({ spec, series, entry, tagged }: Props) {
  const { answer } = series;
  const release = spec.release(answer);
  const counts = qualities(numbersOf(spec.part(answer)));
  const parts = ["HIGH", "OK", "LOW"]
    .filter((quality) => counts[quality])
    .map((quality) => `${counts[quality]} ${quality}`);
  const other = spec.id === "comparison" ? answer.compare?.otherRelease : undefined;
  const quality = parts.length > 0 ? ["95 % intervals of the noise", `quality ${parts.join(", ")}`] : [];
  return (
    <div className="provenance">
      {tagged ? <Tag tag={series.tag} /> : null}
      <ul>
        {quality.map((text) => (
          <li key={text}>{text}</li>
        ))}
        {release === undefined ? null : (
          <>
            <li>
              release <Id id={release.id} />
              {other === undefined ? null : (
                <>
                  {" and "}
                  <Id id={other.id} />
                </>
              )}
            </li>
            <li>epoch {release.epoch}</li>
            <li>
              {days(release.window.start, release.window.end)} ({NAMES_OF_WINDOWS[release.window.length]}, UTC)
            </li>
            <li>
              {amount(release.units)} units{other === undefined ? "" : " each"} at the first view
              {spec.id === "size" ? "" : ", plus the size"}
            </li>
            <li>
              ε {release.epsilon.toPrecision(3)}, δ {release.delta.toExponential(0).replace("-", "\u2212")}
            </li>
          </>
        )}
        <Cost entry={entry} />
      </ul>
    </div>
  );
}

/** The cost of the request, also if it was rejected. */
export function Cost({ entry }: { entry: LoadedEntry }) {
  const cost = entry.answer.extensions?.cost;
  if (cost === undefined) return null;
  return (
    <li>
      cost {amount(cost.actual)} points of {amount(cost.requested)} reserved
      {entry.pictures > 1 ? `, one request for ${entry.pictures} pictures` : ""},{" "}
      {Math.round(entry.answer.elapsedMs)} ms
    </li>
  );
}

function Id({ id }: { id: string }) {
  return <code title={id}>{id.slice(0, 8)}</code>;
}

/** The properties of the release that are known before it is charged. */
export function ExpectedRelease({ description, window }: { description: Description; window: WindowLength }) {
  const { epoch, start, end, length } = description.window;
  return (
    <span className="expected-release">
      Epoch {epoch}, {window === length ? days(start, end) : `the ${NAMES_OF_WINDOWS[window]} that end with it`} (
      {NAMES_OF_WINDOWS[window]}, UTC), with 95 % intervals and quality.
    </span>
  );
}
