/* What was sent to a channel: newest first, with what each try came to. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { href, project_name, project_path } from "../url";
import { may } from "./access";
import { ago } from "./ago";
import type { Channel } from "./channel_kinds";
import { failed, path_of, role_here, when } from "./load";
import { Cards } from "./parts";

type Delivery = Schemas["Delivery"];
type Detail = Schemas["DeliveryDetail"];

export function ChannelLog({ channel, onClose }: { channel: Channel; onClose: () => void }) {
  const [opened, open] = useState(0);
  const list = useLoad(`${project_name.value} ${channel.id} ${channel.sent_at} ${channel.failed_at}`, (signal) => api<{ items: Delivery[] }>(path_of(`/channels/${channel.id}/deliveries`), { query: { limit: 100 }, signal }));
  return (
    <section aria-labelledby="channel-log">
      <div class="row">
        <h2 id="channel-log" class="grow">
          Sent to <span class="told">{channel.name}</span>
        </h2>
        <button class="plain" aria-label="Close the log" onClick={onClose}>
          ×
        </button>
      </div>
      {list.problem && <Problem problem={list.problem} again={list.again} />}
      {!list.value && list.is_loading && <Waiting what="Reading the log" />}
      {list.value?.items.length === 0 && <p class="soft">Nothing yet.</p>}
      {list.value && list.value.items.length > 0 && (
        <Cards label={`Deliveries of ${channel.name}`} heads={["What", "State", "Tries", "When", ""]}>
          {list.value.items.map((one) => (
            <tr key={one.id} data-delivery={one.id}>
              <td data-of="What">
                {one.incident ? (
                  <a class="told" href={href(project_path(`incidents/${one.incident}`))}>
                    {one.title}
                  </a>
                ) : (
                  <span class="told">{one.title}</span>
                )}
              </td>
              <td data-of="State">
                {one.state}
                {one.is_uncertain && <span class="soft"> may have arrived twice</span>}
                {one.why && <span class="error-text told"> {one.why}</span>}
                {opened === one.id && <Tries id={one.id} state={one.state} onAgain={list.again} />}
              </td>
              <td data-of="Tries">{one.attempts}</td>
              <td data-of="When" title={when(one.created_at)}>
                {ago(one.created_at)}
              </td>
              <td>
                <button aria-expanded={opened === one.id} aria-label={`Tries of "${one.title}"`} onClick={() => open(opened === one.id ? 0 : one.id)}>
                  Tries
                </button>
              </td>
            </tr>
          ))}
        </Cards>
      )}
    </section>
  );
}

function Tries({ id, state, onAgain }: { id: number; state: Delivery["state"]; onAgain: () => void }) {
  const detail = useLoad(`${project_name.value} ${id} ${state}`, (signal) => api<Detail>(path_of(`/deliveries/${id}`), { signal }));
  const again = async () => {
    try {
      await api(path_of(`/deliveries/${id}/retry`), { method: "POST" });
    } catch (error) {
      failed(error);
    }
    onAgain();
  };
  return (
    <div>
      <ol class="tries">
        {detail.value?.attempts.map((one) => (
          <li key={one.number}>
            <span class="soft">{when(one.began_at)}</span> {one.is_done ? (one.why ? <span class="told">{one.why}</span> : "taken") : "its end is not known"}
            {one.status ? ` (${one.status}` : " ("}
            {one.status ? `, ${one.ms} ms)` : `${one.ms} ms)`}
          </li>
        ))}
      </ol>
      {state === "failed" && may(role_here.value, "PROJECT_WRITE") && <button onClick={() => void again()}>Try again</button>}
    </div>
  );
}
