/** Selects up to `max` values of a list: check boxes styled as chips, with a filter for long lists. */
import { useId, useState } from "react";
import { humanize } from "../model/format";

/** Lists with more values have a filter. */
const FILTER_THRESHOLD = 14;

interface Props {
  legend: string;
  all: readonly string[];
  chosen: readonly string[];
  max: number;
  /** Formats a value for display; by default `humanize`. */
  format?: (value: string) => string;
  onChange: (chosen: string[]) => void;
}

export function VocabularySelect({ legend, all, chosen, max, format = humanize, onChange }: Props) {
  const [filter, setFilter] = useState("");
  const id = useId();
  const full = chosen.length >= max;
  const matching = all.filter(
    (value) => chosen.includes(value) || format(value).toLowerCase().includes(filter.trim().toLowerCase()),
  );
  const toggle = (value: string) =>
    onChange(chosen.includes(value) ? chosen.filter((other) => other !== value) : [...chosen, value]);
  return (
    <fieldset className="vocabulary">
      <legend>
        {legend} <span className="hint">{full ? `${chosen.length} selected, the maximum` : `at most ${max}`}</span>
      </legend>
      {all.length > FILTER_THRESHOLD ? (
        <>
          <label className="sr-only" htmlFor={id}>{`Filter ${legend.toLowerCase()}`}</label>
          <input
            id={id}
            type="search"
            value={filter}
            placeholder="filter"
            onChange={(event) => setFilter(event.target.value)}
          />
        </>
      ) : null}
      <div className="chips">
        {matching.map((value) => (
          <label key={value} className="chip">
            <input
              type="checkbox"
              checked={chosen.includes(value)}
              disabled={full && !chosen.includes(value)}
              onChange={() => toggle(value)}
            />
            <span>{format(value)}</span>
          </label>
        ))}
        {matching.length > 0 ? null : (
          <span className="hint">{all.length === 0 ? "this server has none" : "none contains this text"}</span>
        )}
      </div>
    </fieldset>
  );
}
