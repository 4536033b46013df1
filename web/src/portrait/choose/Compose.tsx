/** A form that composes a definition from vocabulary values. It sends no request before it is submitted. */
import { useId, useState } from "react";
import type { Vocabulary } from "../model/answer";
import { MAX_VALUES_PER_FIELD, normalize, type Definition } from "../model/subject";
import { VocabularySelect } from "./VocabularySelect";

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
  const invalidRange = age?.from !== undefined && age.to !== undefined && age.from > age.to;
  return (
    <form
      className="compose"
      onSubmit={(event) => {
        event.preventDefault();
        if (!invalidRange) onUse(normalize(draft));
      }}
    >
      <p className="about">
        All fields must match; within a field any selected value matches. An empty field matches everyone.
      </p>
      <VocabularySelect
        format={(region) => region}
        legend="Home regions"
        all={vocabulary.regions}
        chosen={regions}
        max={MAX_VALUES_PER_FIELD}
        onChange={(regions) => change({ regions })}
      />
      <fieldset className="ages">
        <legend>
          Ages <span className="hint">whole age bands; any: including people of unknown age</span>
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
          aria-invalid={invalidRange}
          aria-describedby={invalidRange ? `${id}wrong` : undefined}
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
        {invalidRange ? (
          <span id={`${id}wrong`} className="wrong" role="alert">
            The first age is greater than the last age.
          </span>
        ) : null}
      </fieldset>
      <VocabularySelect
        legend="Interests"
        all={vocabulary.interests}
        chosen={interests}
        max={MAX_VALUES_PER_FIELD}
        onChange={(interests) => change({ interests })}
      />
      <VocabularySelect
        legend="Preferred categories"
        all={vocabulary.categories}
        chosen={categories}
        max={MAX_VALUES_PER_FIELD}
        onChange={(categories) => change({ categories })}
      />
      <button type="submit" className="strong">
        Use this segment
      </button>
    </form>
  );
}
