/* The switch in the navigation: all environments, or one. Its values come from the roll-ups' catalog of attributes; where there
 * is none (a link, roll-ups off) from the rows of the page's time. */
import { api, query } from "../api/client";
import { useLoad } from "../api/load";
import { change, project_name } from "../url";
import { environment, ENVIRONMENT, ENVIRONMENT_SQL } from "./environment";
import { is_guest, project_here } from "../session";
import { range } from "./range";
import { to_iso } from "../time";
import { quoted } from "../explore/fields";

const VALUES_MAX = 50;

interface Catalogued {
  items: { key: string; values: { value: string }[] }[];
}

async function from_catalog(project: string, signal: AbortSignal): Promise<string[]> {
  if (is_guest.value) return [];
  const found = await api<Catalogued>(`/projects/${encodeURIComponent(project)}/attributes`, { query: { place: "resource", from: "now-7d", values: VALUES_MAX, limit: 1000 }, signal });
  return found.items.filter((item) => item.key === ENVIRONMENT || item.key === "deployment.environment").flatMap((item) => item.values.map((one) => one.value));
}

async function from_rows(project: string, signal: AbortSignal): Promise<string[]> {
  const { from_us, to_us } = range.value;
  const table = await query(
    project,
    `SELECT ${ENVIRONMENT_SQL}, count(*) FROM otel_logs_and_spans
WHERE timestamp >= ${quoted(to_iso(from_us))} AND timestamp < ${quoted(to_iso(to_us))} AND ${ENVIRONMENT_SQL} IS NOT NULL
GROUP BY 1 ORDER BY 2 DESC LIMIT ${VALUES_MAX}`,
    { signal, what: "the environments" },
  );
  return table.rows.map((row) => String(row[0]));
}

export function EnvironmentSwitch() {
  const project = project_name.value;
  const values = useLoad(project_here.value ? project : null, async (signal) => {
    const known = await from_catalog(project, signal).catch(() => []);
    return known.length > 0 ? known : from_rows(project, signal).catch(() => []);
  });
  const names = [...new Set([...(values.value ?? []), ...(environment.value ? [environment.value] : [])])].sort();
  if (names.length === 0) return null;
  return (
    <>
      <label class="unseen" for="environment">
        Environment
      </label>
      <select id="environment" value={environment.value} title="deployment.environment.name" onChange={(event) => change({ env: event.currentTarget.value || null, open: null })}>
        <option value="">All environments</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </>
  );
}
