/* The state of an issue: a shape and a colour, with its word where there is room. */
import { look_of, type State } from "./issues";

export function StateMark({ state, has_word = false }: { state: State; has_word?: boolean }) {
  const look = look_of(state);
  return (
    <span class={`issue-state state-${state}`} title={look.title}>
      <span aria-hidden="true">{look.mark}</span>
      <span class={has_word ? "" : "unseen"}>{look.title}</span>
    </span>
  );
}
