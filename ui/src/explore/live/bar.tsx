/* How many rows come, how many of them are not shown, and whether it is paused. */
import { show_whole } from "../../number";
import type { Live } from "./use_live";

export function LiveBar({ live, is_paused, onPause }: { live: Live; is_paused: boolean; onPause: () => void }) {
  const { list, is_open, problem } = live;
  if (problem)
    return (
      <div class="live-bar row" role="status">
        <span class="warning told">Read anew every two seconds: {problem.detail}</span>
      </div>
    );
  return (
    <div class="live-bar row" data-shown={list.shown} data-not-shown={list.not_shown} data-pending={list.pending.length} data-matched={list.rate.matched} data-skipped={list.rate.skipped}>
      <span class={is_open && !is_paused ? "dot on" : "dot"} aria-hidden="true" />
      <span>{is_open ? `${show_whole(list.rate.per_second)} rows/s` : "Connecting …"}</span>
      <span class={list.not_shown > 0 ? "warning" : "soft"} title="More came than could be read or kept here: narrow the search to see each">
        {show_whole(list.not_shown)} not shown
      </span>
      {list.rate.skipped > 0 && (
        <span class="warning" title="The server had no time to compare these with the search">
          {show_whole(list.rate.skipped)} not compared
        </span>
      )}
      <button aria-pressed={is_paused} title="p" class={is_paused ? "primary" : ""} onClick={onPause}>
        {is_paused ? `Resume (${show_whole(list.pending.length)} new)` : "Pause"}
      </button>
    </div>
  );
}
