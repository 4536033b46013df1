/** The page with a key: select one or two segments, then load their pictures. */
import { useEffect, useState } from "react";
import { SegmentCard } from "./choose/SegmentCard";
import { Pictures } from "./Pictures";
import type { Precision, WindowLength } from "./model/answer";
import { NAMES_OF_PRECISIONS, NAMES_OF_WINDOWS } from "./model/format";
import { CodedError, TryAgain } from "./panel/CodedError";
import type { InitialData } from "./state/api";
import { useQueries } from "./state/useQueries";
import { useDescription } from "./state/useDescription";
import { useInitialData } from "./state/useInitialData";
import { useView } from "./state/useView";
import type { SelectedSegment } from "./panel/Panel";
import type { Subject } from "./model/subject";
import type { Described } from "./state/useDescription";

export function Portrait() {
  const loaded = useInitialData();
  if (loaded.state === "loading")
    return (
      <p className="center" role="status">
        Loading the vocabulary.
      </p>
    );
  if (loaded.state === "failed") {
    return (
      <div className="center">
        <CodedError error={loaded.error}>
          {loaded.error.extensions?.code === "AUTHENTICATION_FAILED" ? null : (
            <TryAgain after={loaded.error.extensions?.retryAfterSeconds} onClick={loaded.retry}>
              Try again
            </TryAgain>
          )}
        </CodedError>
      </div>
    );
  }
  return <Page initial={loaded.initial} />;
}

function Page({ initial }: { initial: InitialData }) {
  const [view, update] = useView();
  const [queries, actions] = useQueries();
  const a = useDescription(view.a);
  const b = useDescription(view.b);
  const [choosingB, setChoosingB] = useState(false);
  const segments = [selected("A", view.a, a), selected("B", view.b, b)].filter((one) => one !== null);
  const first = segments.find(({ tag }) => tag === "A");

  useEffect(() => {
    document.title = `${first === undefined ? "Portrait" : `Portrait of ${first.name}`} · spots-enrichment`;
  }, [first]);

  return (
    <>
      {view.unrecognized ? (
        <p className="wrong" role="alert">
          The URL contains segment parameters that this page does not recognize. Choose a segment below.
        </p>
      ) : null}
      <div className="segments">
        <SegmentCard
          tag="A"
          subject={view.a}
          described={a}
          vocabulary={initial.vocabulary}
          onUse={(subject) => update({ a: subject })}
        />
        {view.b !== null || choosingB ? (
          <SegmentCard
            tag="B"
            subject={view.b}
            described={b}
            vocabulary={initial.vocabulary}
            onUse={(subject) => update({ b: subject })}
            onRemove={() => {
              setChoosingB(false);
              if (view.b !== null) update({ b: null });
            }}
          />
        ) : view.a === null ? null : (
          <button type="button" className="add" onClick={() => setChoosingB(true)}>
            + Add a second segment
          </button>
        )}
      </div>
      {view.a === null ? null : (
        <div className="settings">
          <label>
            Precision{" "}
            <select value={view.precision} onChange={(event) => update({ precision: event.target.value as Precision })}>
              {Object.entries(NAMES_OF_PRECISIONS).map(([precision, name]) => (
                <option key={precision} value={precision}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label>
            Behavior window{" "}
            <select value={view.window} onChange={(event) => update({ window: event.target.value as WindowLength })}>
              {Object.entries(NAMES_OF_WINDOWS).map(([length, name]) => (
                <option key={length} value={length}>
                  {name}
                </option>
              ))}
            </select>{" "}
            <span className="hint">all other numbers cover 28 days</span>
          </label>
        </div>
      )}
      {first === undefined ? null : (
        <Pictures
          initial={initial}
          view={view}
          segments={segments}
          queries={queries}
          actions={actions}
          update={update}
        />
      )}
    </>
  );
}

function selected(tag: "A" | "B", subject: Subject | null, described: Described | null): SelectedSegment | null {
  if (subject === null || described?.state !== "loaded") return null;
  const { description } = described;
  const name = description.name ?? ("slug" in subject ? subject.slug : `Segment ${tag}`);
  return { tag, subject, name, description };
}
