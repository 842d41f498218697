/* What happened to an issue, by people and by itself. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { is_utc } from "../frame/range";
import { show_time } from "../time";
import { project_name } from "../url";
import { activity_words, seen_us } from "./issues";
import { issues_path, type Page } from "./load";

export function Activity({ number, round }: { number: number; round: string }) {
  const [limit, set_limit] = useState(20);
  const list = useLoad(`${project_name.value}\n${number}\n${round}\n${limit}`, (signal) => api<Page<Schemas["IssueActivity"]>>(issues_path(`/${number}/activity`), { query: { limit }, signal }));
  const show = (us: number) => show_time(us, 0, is_utc.value);
  return (
    <section aria-label="Activity">
      <h2>Activity</h2>
      {list.problem && <p class="error-text told">{list.problem.detail}</p>}
      <ol class="activity">
        {list.value?.items.map((one) => (
          <li key={one.id}>
            <span class="soft">{show(seen_us(one.at))}</span>
            <span class="told">
              <b>{one.actor ?? "It"}</b> {activity_words(one, show).slice(0, 500)}
            </span>
          </li>
        ))}
      </ol>
      {list.value?.next_cursor && limit < 100 && <button onClick={() => set_limit(100)}>Show more</button>}
    </section>
  );
}
