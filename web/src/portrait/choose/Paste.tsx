/** A field for a slug, a link to a portrait, or a definition as JSON. */
import { useId, useState } from "react";
import { readSubject } from "../model/viewUrl";
import { readPasted, type Subject } from "../model/subject";

export function Paste({ onUse }: { onUse: (subject: Subject) => void }) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const id = useId();
  return (
    <form
      className="paste"
      onSubmit={(event) => {
        event.preventDefault();
        const subject = readPasted(text, (query) => readSubject(query));
        setWrong(subject === null);
        if (subject !== null) onUse(subject);
      }}
    >
      <label htmlFor={id}>A slug, a link to a portrait, or a definition as JSON</label>
      <textarea
        id={id}
        rows={4}
        spellCheck={false}
        value={text}
        placeholder={'harbor-adults\n{ "regions": ["demo-hills"], "age": { "from": 25, "to": 44 } }'}
        onChange={(event) => setText(event.target.value)}
        aria-invalid={wrong}
        aria-describedby={wrong ? `${id}wrong` : undefined}
      />
      {wrong ? (
        <p id={`${id}wrong`} className="wrong" role="alert">
          The text is not a valid slug, portrait link or definition.
        </p>
      ) : null}
      <button type="submit" className="strong" disabled={text.trim() === ""}>
        Use this segment
      </button>
    </form>
  );
}
