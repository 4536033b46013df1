/** A definition made of words of the vocabulary. Nothing is asked until it is used. */
import { useId, useState } from "react";
import type { Vocabulary } from "../model/answer";
import { MOST_WORDS, tidy, type Definition } from "../model/subject";
import { Words } from "./Words";

interface Props {
  vocabulary: Vocabulary;
  start: Definition;
  onUse: (definition: Definition) => void;
}

export function Compose({ vocabulary, start, onUse }: Props) {
  const [draft, setDraft] = useState(start);
  const id = useId();
  const change = (part: Partial<Definition>) => setDraft((old) => ({ ...old, ...part }));
  const { regions = [], interests = [], categories = [], age } = draft;
  const setAge = (end: "from" | "to", text: string) => {
    const { [end]: _, ...rest } = age ?? {};
    change({ age: text === "" ? rest : { ...rest, [end]: Number(text) } });
  };
  const upsideDown = age?.from !== undefined && age.to !== undefined && age.from > age.to;
  return (
    <form
      className="compose"
      onSubmit={(event) => {
        event.preventDefault();
        if (!upsideDown) onUse(tidy(draft));
      }}
    >
      <p className="about">People of any word within a field, and of all fields. A field without a word means all.</p>
      <Words
        show={(region) => region}
        legend="Home regions"
        all={vocabulary.regions}
        chosen={regions}
        most={MOST_WORDS}
        onChange={(regions) => change({ regions })}
      />
      <fieldset className="ages">
        <legend>
          Ages <span className="hint">whole bands; any = also people of unknown age</span>
        </legend>
        <label htmlFor={`${id}from`}>from</label>
        <select id={`${id}from`} value={age?.from ?? ""} onChange={(event) => setAge("from", event.target.value)}>
          <option value="">any</option>
          {vocabulary.ageBands.map((band) => (
            <option key={band.name} value={band.from}>
              {band.from}
            </option>
          ))}
        </select>
        <label htmlFor={`${id}to`}>to</label>
        <select
          id={`${id}to`}
          value={age?.to ?? ""}
          onChange={(event) => setAge("to", event.target.value)}
          aria-invalid={upsideDown}
          aria-describedby={upsideDown ? `${id}wrong` : undefined}
        >
          <option value="">any</option>
          {vocabulary.ageBands.flatMap((band) =>
            band.to === null
              ? []
              : [
                  <option key={band.name} value={band.to}>
                    {band.to}
                  </option>,
                ],
          )}
        </select>
        {upsideDown ? (
          <span id={`${id}wrong`} className="wrong" role="alert">
            The first age is above the last.
          </span>
        ) : null}
      </fieldset>
      <Words
        legend="Interests"
        all={vocabulary.interests}
        chosen={interests}
        most={MOST_WORDS}
        onChange={(interests) => change({ interests })}
      />
      <Words
        legend="Preferred categories"
        all={vocabulary.categories}
        chosen={categories}
        most={MOST_WORDS}
        onChange={(categories) => change({ categories })}
      />
      <button type="submit" className="strong">
        Use this segment
      </button>
    </form>
  );
}
