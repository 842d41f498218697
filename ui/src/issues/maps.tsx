/* The project's source maps: /p/{project}/issues/maps. Stacks of minified scripts are resolved by them when they arrive. */
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { is_utc } from "../frame/range";
import { Empty, Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { show_bytes } from "../number";
import { show_time } from "../time";
import { change, param, project_name } from "../url";
import { seen_us } from "./issues";
import { can_change, failed, type Page } from "./load";
import { GroupingHead } from "./rules";

type SourceMap = Schemas["SourceMap"];
const path_of = (rest = "") => `/projects/${encodeURIComponent(project_name.value)}/source-maps${rest}`;

export function MapsPage() {
  const script = param("script");
  useActs({ title: "Source maps", statement: undefined, is_private: true });
  const list = useLoad(`${project_name.value}\n${script}`, (signal) => api<Page<SourceMap>>(path_of(), { query: { limit: 100, script }, signal }));
  const remove = async (map: SourceMap) => {
    if (!window.confirm(`Delete the source map of ${map.script.slice(0, 200)}? Stacks that come from then on stay as they are sent.`)) return;
    try {
      await api(path_of(`/${map.id}`), { method: "DELETE" });
      toast("The source map is deleted");
      list.again();
    } catch (error) {
      failed(error);
    }
  };
  const maps = list.value?.items;
  return (
    <div class="grouping">
      <GroupingHead here="maps" />
      <div class="grouping-body">
        <p class="soft">Stacks of minified scripts are shown, and grouped, by the source that they were made of. Upload a map with each release:</p>
        <pre class="paste" tabIndex={0}>{`monoscope source-maps upload --project ${project_name.value} --release RELEASE --url-prefix "~/assets/" dist/assets/`}</pre>
        <input type="search" aria-label="Part of the script's address" placeholder="Part of the script's address" value={script} onChange={(event) => change({ script: event.currentTarget.value.trim() || null })} />
        {list.problem ? (
          <Problem problem={list.problem} again={list.again} />
        ) : !maps ? (
          <Waiting what="Reading the source maps" />
        ) : maps.length === 0 ? (
          <Empty title={script ? "No source map is of such a script" : "No source map yet"} />
        ) : (
          <div class="maps-box" role="region" aria-label="Source maps" tabIndex={0}>
            <table>
              <thead>
                <tr>
                  <th scope="col">script</th>
                  <th scope="col">release</th>
                  <th scope="col" class="number">
                    size
                  </th>
                  <th scope="col">sources</th>
                  <th scope="col">uploaded</th>
                  <th scope="col">last used</th>
                  <th scope="col">
                    <span class="unseen">Delete</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {maps.map((map) => (
                  <tr key={map.id}>
                    <td class="told mono map-script">{map.script.slice(0, 300)}</td>
                    <td class="told">{map.release.slice(0, 100) || "any"}</td>
                    <td class="number">{show_bytes(map.bytes)}</td>
                    <td>
                      {map.sources}
                      {!map.has_sources && <span class="soft"> without their text</span>}
                    </td>
                    <td>
                      {show_time(seen_us(map.uploaded_at), 0, is_utc.value)} <span class="soft told">{map.uploaded_by.slice(0, 80)}</span>
                    </td>
                    <td>{show_time(seen_us(map.used_at), 0, is_utc.value).slice(0, 10)}</td>
                    <td>
                      {can_change.value && (
                        <button aria-label={`Delete the map of ${map.script.slice(0, 100)}`} onClick={() => void remove(map)}>
                          Delete
                        </button>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
    </div>
  );
}
