/* A statement to write: lines with numbers, the place of an error marked where it is. */
import { useRef } from "preact/hooks";
import type { Place } from "../place";

interface EditorProps {
  text: string;
  place: Place | undefined; /* of the error */
  onText: (text: string) => void;
}

export function Editor({ text, place, onText }: EditorProps) {
  const numbers = useRef<HTMLDivElement>(null);
  const marks = useRef<HTMLPreElement>(null);
  const lines = text.split("\n");
  const follow = (event: { currentTarget: HTMLTextAreaElement }) => {
    const { scrollTop, scrollLeft } = event.currentTarget;
    if (numbers.current) numbers.current.scrollTop = scrollTop;
    if (marks.current) {
      marks.current.scrollTop = scrollTop;
      marks.current.scrollLeft = scrollLeft;
    }
  };
  return (
    <div class="sql-editor">
      <div class="sql-numbers mono" ref={numbers} aria-hidden="true">
        {lines.map((_, at) => (
          <div key={at} class={place && at + 1 === place.line ? "bad" : ""}>
            {at + 1}
          </div>
        ))}
      </div>
      <div class="sql-text">
        <pre class="sql-marks mono" ref={marks} aria-hidden="true">
          {place ? (
            <>
              {text.slice(0, place.at)}
              <mark>{text.slice(place.at, place.end) || " "}</mark>
              {text.slice(place.end)}
            </>
          ) : (
            text
          )}
          {"\n"}
        </pre>
        <textarea
          id="statement"
          class="mono"
          aria-label="SQL statement"
          aria-invalid={!!place}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          wrap="off"
          value={text}
          rows={Math.max(6, Math.min(16, lines.length + 1))}
          onInput={(event) => onText(event.currentTarget.value)}
          onScroll={follow}
        />
      </div>
    </div>
  );
}
