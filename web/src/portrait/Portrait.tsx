/** The page once a key is there: choose segments, then pay for what one wants to see. */
import { useEffect, useState } from "react";
import { SegmentCard } from "./choose/SegmentCard";
import { Pictures } from "./Pictures";
import type { WindowLength } from "./model/answer";
import { NAMES_OF_WINDOWS } from "./model/format";
import { CodedError, TryAgain } from "./panel/CodedError";
import type { Start } from "./state/api";
import { useDesk } from "./state/useDesk";
import { useDescription } from "./state/useDescription";
import { useStart } from "./state/useStart";
import { useView } from "./state/useView";
import type { Person } from "./panel/Panel";
import type { Subject } from "./model/subject";
import type { Described } from "./state/useDescription";

export function Portrait() {
  const started = useStart();
  if (started.state === "asking")
    return (
      <p className="center" role="status">
        Asking what there is to choose from.
      </p>
    );
  if (started.state === "failed") {
    return (
      <div className="center">
        <CodedError error={started.error}>
          {started.error.extensions?.code === "AUTHENTICATION_FAILED" ? null : (
            <TryAgain after={started.error.extensions?.retryAfterSeconds} onClick={started.retry}>
              Try again
            </TryAgain>
          )}
        </CodedError>
      </div>
    );
  }
  return <Page start={started.start} />;
}

function Page({ start }: { start: Start }) {
  const [view, update] = useView();
  const [desk, actions] = useDesk();
  const a = useDescription(view.a);
  const b = useDescription(view.b);
  const [choosingB, setChoosingB] = useState(false);
  const people = [person("A", view.a, a), person("B", view.b, b)].filter((one) => one !== null);
  const first = people.find(({ tag }) => tag === "A");

  useEffect(() => {
    document.title = `${first === undefined ? "Portrait" : `Portrait of ${first.name}`} · spots-enrichment`;
  }, [first]);

  return (
    <>
      {view.misread ? (
        <p className="wrong" role="alert">
          The address names a segment in words that this page does not know, so it asks about nobody. Choose below.
        </p>
      ) : null}
      <div className="who">
        <SegmentCard
          tag="A"
          subject={view.a}
          described={a}
          vocabulary={start.vocabulary}
          onUse={(subject) => update({ a: subject })}
        />
        {view.b !== null || choosingB ? (
          <SegmentCard
            tag="B"
            subject={view.b}
            described={b}
            vocabulary={start.vocabulary}
            onUse={(subject) => update({ b: subject })}
            onRemove={() => {
              setChoosingB(false);
              if (view.b !== null) update({ b: null });
            }}
          />
        ) : view.a === null ? null : (
          <button type="button" className="add" onClick={() => setChoosingB(true)}>
            + Put a second segment beside it
          </button>
        )}
      </div>
      {view.a === null ? null : (
        <label className="window">
          Window of behavior{" "}
          <select value={view.window} onChange={(event) => update({ window: event.target.value as WindowLength })}>
            {Object.entries(NAMES_OF_WINDOWS).map(([length, name]) => (
              <option key={length} value={length}>
                {name}
              </option>
            ))}
          </select>{" "}
          <span className="hint">all else covers 28 days</span>
        </label>
      )}
      {first === undefined ? null : (
        <Pictures start={start} view={view} people={people} desk={desk} actions={actions} update={update} />
      )}
    </>
  );
}

function person(tag: "A" | "B", subject: Subject | null, described: Described | null): Person | null {
  if (subject === null || described?.state !== "told") return null;
  const { description } = described;
  const name = description.name ?? ("slug" in subject ? subject.slug : `Segment ${tag}`);
  return { tag, subject, name, description };
}
