/** Some words of a list, at most so many: check boxes that look like chips, with a filter where the list is long. */
import { useId, useState } from "react";
import { words } from "../model/format";

const LONG = 14;

interface Props {
  legend: string;
  all: readonly string[];
  chosen: readonly string[];
  most: number;
  /** How a word is shown; codes are shown as they are. */
  show?: (word: string) => string;
  onChange: (chosen: string[]) => void;
}

export function Words({ legend, all, chosen, most, show = words, onChange }: Props) {
  const [filter, setFilter] = useState("");
  const id = useId();
  const full = chosen.length >= most;
  const matching = all.filter(
    (word) => chosen.includes(word) || show(word).toLowerCase().includes(filter.trim().toLowerCase()),
  );
  const toggle = (word: string) =>
    onChange(chosen.includes(word) ? chosen.filter((other) => other !== word) : [...chosen, word]);
  return (
    <fieldset className="words">
      <legend>
        {legend} <span className="hint">{full ? `${chosen.length} chosen: that is all` : `at most ${most}`}</span>
      </legend>
      {all.length > LONG ? (
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
        {matching.map((word) => (
          <label key={word} className="chip">
            <input
              type="checkbox"
              checked={chosen.includes(word)}
              disabled={full && !chosen.includes(word)}
              onChange={() => toggle(word)}
            />
            <span>{show(word)}</span>
          </label>
        ))}
        {matching.length === 0 ? <span className="hint">no such word</span> : null}
      </div>
    </fieldset>
  );
}
