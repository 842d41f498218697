/* A thin bar while anything runs; after a second it says what, for how long, and can end it. */
import { useEffect, useState } from "preact/hooks";
import { running } from "../api/running";

export function Progress() {
  const [, tick] = useState(0);
  const list = running.list.value;
  useEffect(() => {
    if (list.length === 0) return;
    const timer = setInterval(() => tick((n) => n + 1), 200);
    return () => clearInterval(timer);
  }, [list.length > 0]);
  const oldest = list[0];
  if (!oldest) return null;
  const seconds = (Date.now() - oldest.begun_ms) / 1000;
  if (seconds < 0.3) return null;
  return (
    <div class="progress" role="status">
      <div class="progress-bar" aria-hidden="true" />
      {seconds >= 1 && (
        <div class="progress-words">
          <span>
            {oldest.what}
            {list.length > 1 ? ` and ${list.length - 1} more` : ""}: {seconds.toFixed(0)} s
          </span>
          <button onClick={() => list.forEach((entry) => entry.cancel())}>Cancel</button>
        </div>
      )}
    </div>
  );
}
