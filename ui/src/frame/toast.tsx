/* Short notes at the edge of the page: done, or went wrong. Errors stay until they are closed; one with an act (undo) stays longer. */
import { signal } from "@preact/signals";

export interface NoteAct {
  text: string;
  run: () => void;
}
interface Note {
  number: number;
  text: string;
  is_error: boolean;
  act?: NoteAct | undefined;
}
const NOTE_MS = 4000;
const ACT_MS = 12000;
const notes = signal<Note[]>([]);
let next = 0;

function drop(number: number): void {
  notes.value = notes.value.filter((note) => note.number !== number);
}
export function toast(text: string, is_error = false, act?: NoteAct): void {
  const number = next++;
  notes.value = [...notes.value.slice(-3), { number, text, is_error, act }];
  if (!is_error) setTimeout(() => drop(number), act ? ACT_MS : NOTE_MS);
}
export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied`);
  } catch {
    toast(`could not copy the ${what}: the browser does not let this page`, true);
  }
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {notes.value.map((note) => (
        <div key={note.number} class={note.is_error ? "toast error" : "toast"}>
          <span class="told grow">{note.text}</span>
          {note.act && (
            <button
              onClick={() => {
                drop(note.number);
                note.act?.run();
              }}
            >
              {note.act.text}
            </button>
          )}
          <button class="plain" aria-label="Close" onClick={() => drop(note.number)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
