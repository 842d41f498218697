/* Beside the page of an issue: how many, since when, in which releases, environments and services. */
import { is_utc, range } from "../frame/range";
import { show_count, show_whole } from "../number";
import { show_time } from "../time";
import { change, href, param, project_path } from "../url";
import { ago, seen_us, type IssueDetail } from "./issues";

const RELEASES = 12;

export function Facts({ detail }: { detail: IssueDetail }) {
  const { issue } = detail;
  const now_us = Math.max(range.value.to_us, seen_us(issue.last_seen) || 0);
  const seen = (at: string | null, is_short = false) => (
    <span title={at ? show_time(seen_us(at), 0, is_utc.value) : ""}>{ago(seen_us(at), now_us).replace(is_short ? " ago" : "", "")}</span>
  );
  const ever = detail.services.reduce((sum, one) => sum + one.count, 0);
  return (
    <>
      <dl class="facts">
        <div>
          <dt>Events here</dt>
          <dd title={show_whole(issue.count)}>{show_count(issue.count)}</dd>
        </div>
        <div>
          <dt>Events ever</dt>
          <dd title={show_whole(issue.total_count)}>{show_count(issue.total_count)}</dd>
        </div>
        <div>
          <dt>Users here</dt>
          <dd>{show_count(issue.users)}</dd>
        </div>
        <div>
          <dt>Users ever</dt>
          <dd>{show_count(issue.total_users)}</dd>
        </div>
        <div>
          <dt>Last seen</dt>
          <dd>{seen(issue.last_seen)}</dd>
        </div>
        <div>
          <dt>First seen</dt>
          <dd>{seen(issue.first_seen)}</dd>
        </div>
      </dl>
      {detail.environments.length > 0 && (
        <section>
          <h2>Environments</h2>
          <ul class="shares">
            {detail.environments.slice(0, 20).map((one) => (
              <Share key={one.environment} name={one.environment || "none"} count={one.count} of={issue.count} is_on={param("env") === one.environment && one.environment !== ""} onChoose={one.environment ? () => change({ env: param("env") === one.environment ? null : one.environment }) : undefined} />
            ))}
          </ul>
        </section>
      )}
      {detail.services.length > 1 && (
        <section>
          <h2>Services</h2>
          <ul class="shares">
            {detail.services.slice(0, 20).map((one) => (
              <Share key={one.service} name={one.service || "none"} count={one.count} of={ever} />
            ))}
          </ul>
        </section>
      )}
      {detail.releases.some((one) => one.release) && (
        <section>
          <h2>Releases</h2>
          <table class="releases">
            <thead>
              <tr>
                <th scope="col">release</th>
                <th scope="col" class="number">
                  events
                </th>
                <th scope="col">first</th>
                <th scope="col">last</th>
              </tr>
            </thead>
            <tbody>
              {detail.releases.slice(0, RELEASES).map((one) => (
                <tr key={`${one.release}\n${one.environment}`}>
                  <td>
                    <span class="told">{one.release.slice(0, 80) || "none"}</span>
                    {one.environment && <span class="soft told release-stage"> {one.environment.slice(0, 60)}</span>}
                  </td>
                  <td class="number">{show_count(one.count)}</td>
                  <td>{seen(one.first_seen, true)}</td>
                  <td>{seen(one.last_seen, true)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {detail.releases.length > RELEASES && <p class="soft">and {detail.releases.length - RELEASES} more</p>}
        </section>
      )}
      {issue.total_users > 0 && (
        <p>
          <a href={href(project_path("explore"), { q: `issue:${issue.number}`, viz: "top", by: "user.id", from: param("from"), to: param("to"), env: param("env") })}>Whom it met most</a>
        </p>
      )}
    </>
  );
}

function Share({ name, count, of, is_on = false, onChoose }: { name: string; count: number; of: number; is_on?: boolean; onChoose?: (() => void) | undefined }) {
  const words = (
    <>
      <span class="share-bar" aria-hidden="true" style={{ width: `${of > 0 ? Math.min(100, (count / of) * 100) : 0}%` }} />
      <span class="told ellipsis">{name.slice(0, 100)}</span>
      <span>{show_count(count)}</span>
    </>
  );
  return (
    <li>
      {onChoose ? (
        <button class="plain share" aria-pressed={is_on} onClick={onChoose}>
          {words}
        </button>
      ) : (
        <span class="share">{words}</span>
      )}
    </li>
  );
}
