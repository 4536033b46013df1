/** One of the two segments: its definition, and three ways to choose another one. */
import { useEffect, useId, useRef, useState } from "react";
import { Tag } from "../charts/Figure";
import type { Vocabulary } from "../model/answer";
import { days, describe } from "../model/format";
import { isPermanent } from "../model/errors";
import { fromCanonical, type Definition, type Subject } from "../model/subject";
import { CodedError, TryAgain } from "../panel/CodedError";
import type { Described } from "../state/useDescription";
import { Compose } from "./Compose";
import { Paste } from "./Paste";
import { Saved } from "./Saved";

const WAYS = [
  { way: "saved", name: "Saved" },
  { way: "compose", name: "Compose" },
  { way: "paste", name: "Paste" },
] as const;
type Way = (typeof WAYS)[number]["way"];

interface Props {
  tag: "A" | "B";
  subject: Subject | null;
  described: Described | null;
  vocabulary: Vocabulary;
  onUse: (subject: Subject) => void;
  /** Removes the segment; undefined for the first segment. */
  onRemove?: () => void;
}

export function SegmentCard({ tag, subject, described, vocabulary, onUse, onRemove }: Props) {
  const [open, setOpen] = useState(subject === null);
  const [way, setWay] = useState<Way>("saved");
  const id = useId();
  const change = useRef<HTMLButtonElement>(null);
  const chosen = useRef(false);
  // Choosing a segment closes the chooser and moves the focus to the button that opens it.
  useEffect(() => {
    if (open || !chosen.current) return;
    chosen.current = false;
    change.current?.focus();
  }, [open]);
  const use = (next: Subject) => {
    chosen.current = true;
    setOpen(false);
    onUse(next);
  };
  const description = described?.state === "loaded" ? described.description : null;
  const choosing = open || subject === null;
  return (
    <section className={`card card-${tag.toLowerCase()}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>
          <Tag tag={tag} />{" "}
          <bdi className="card-name">
            {subject === null
              ? tag === "A"
                ? "Choose a segment"
                : "Choose a second segment"
              : (description?.name ?? ("slug" in subject ? subject.slug : "A composed segment"))}
          </bdi>
        </h2>
        <span className="card-actions">
          {subject === null ? null : (
            <button
              ref={change}
              type="button"
              className="quiet"
              aria-expanded={choosing}
              onClick={() => setOpen(!open)}
            >
              {choosing ? "Close" : "Change"}
              <span className="sr-only">{` segment ${tag}`}</span>
            </button>
          )}
          {onRemove === undefined ? null : (
            <button type="button" className="quiet" onClick={onRemove}>
              Remove<span className="sr-only">{` segment ${tag}`}</span>
            </button>
          )}
        </span>
      </header>
      {description === null ? null : (
        <p className="card-definition">
          {describe(description.definition)}
          <span className="hint">
            {" "}
            Epoch {description.window.epoch}, {days(description.window.start, description.window.end)}, UTC.
          </span>
        </p>
      )}
      {described?.state === "loading" ? <p className="hint">Loading the definition.</p> : null}
      {described?.state === "failed" ? (
        <CodedError error={described.error}>
          {isPermanent(described.error) ? null : (
            <TryAgain after={described.error.extensions?.retryAfterSeconds} onClick={described.retry}>
              Try again
            </TryAgain>
          )}
        </CodedError>
      ) : null}
      {choosing ? (
        <div className="chooser">
          <div className="ways" role="radiogroup" aria-label={`How to choose segment ${tag}`}>
            {WAYS.map((one) => (
              <label key={one.way}>
                <input type="radio" name={`${id}way`} checked={way === one.way} onChange={() => setWay(one.way)} />
                <span>{one.name}</span>
              </label>
            ))}
          </div>
          {way === "saved" ? (
            <Saved
              current={subject !== null && "slug" in subject ? subject.slug : null}
              onUse={(slug) => use({ slug })}
            />
          ) : null}
          {way === "compose" ? (
            <Compose
              vocabulary={vocabulary}
              start={startOf(subject, described, vocabulary)}
              onUse={(definition) => use({ definition })}
            />
          ) : null}
          {way === "paste" ? <Paste onUse={use} /> : null}
        </div>
      ) : null}
    </section>
  );
}

/** The form starts with the current definition, so that a saved segment can be varied. */
function startOf(subject: Subject | null, described: Described | null, vocabulary: Vocabulary): Definition {
  if (described?.state === "loaded") return fromCanonical(described.description.definition, vocabulary.ageBands);
  return subject !== null && "definition" in subject ? subject.definition : {};
}
