/* Channels: where the project's people are told. Made, changed, tested; what was sent is in each one's log (?log=ID). */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { all_of } from "../session";
import { change, param, project_name } from "../url";
import { may } from "./access";
import { ago } from "./ago";
import { ChannelForm } from "./channel_form";
import { KINDS, route_words, type Channel } from "./channel_kinds";
import { ChannelLog } from "./channel_log";
import { failed, path_of, role_here, when } from "./load";
import { Cards, ReadOnly, Sure } from "./parts";
import { Reminders } from "./reminders";

export function ChannelsPage() {
  const channels = useLoad(project_name.value, () => all_of<Channel>(path_of("/channels")));
  const [changed, set_changed] = useState<Channel>();
  const [tested, set_tested] = useState<{ id: number; text: string; is_ok: boolean }>();
  const can_write = may(role_here.value, "PROJECT_WRITE");
  const logged = channels.value?.find((one) => String(one.id) === param("log"));
  const act = async (what: () => Promise<unknown>, words: string) => {
    try {
      await what();
      toast(words);
    } catch (error) {
      failed(error);
    }
    channels.again();
  };
  const test = async (channel: Channel) => {
    set_tested({ id: channel.id, text: "Sending …", is_ok: true });
    try {
      const { delivery } = await api<Schemas["DeliveryDetail"]>(path_of(`/channels/${channel.id}/test`), { method: "POST" });
      set_tested({ id: channel.id, text: delivery.state === "sent" ? "It was taken." : `It did not arrive: ${delivery.why ?? delivery.state}`, is_ok: delivery.state === "sent" });
    } catch (error) {
      set_tested(undefined);
      failed(error);
    }
    channels.again();
  };
  return (
    <>
      <p>Incidents go to the channels that want their severity; monitors and agents may name others. A message is tried for a day, each message arrives at least once, and what could not be told is said here and on another channel.</p>
      <section>
        <h2>Channels</h2>
        {channels.problem && <Problem problem={channels.problem} again={channels.again} />}
        {!channels.value && channels.is_loading && <Waiting what="Reading the channels" />}
        {channels.value?.length === 0 && <p class="soft">There is none: nobody is told of anything.</p>}
        {channels.value && channels.value.length > 0 && (
          <Cards label="Channels" heads={["Name", "To", "What comes", "State", ""]}>
            {channels.value.map((one) => (
              <tr key={one.id} data-channel={one.name} class={one.is_on ? "" : "off"}>
                <td data-of="Name">
                  <b class="told">{one.name}</b> {!one.is_on && <span class="soft">off</span>}
                </td>
                <td data-of="To">
                  {KINDS[one.kind].title} <span class="soft told">{one.place}</span>
                </td>
                <td data-of="What comes" class="told">
                  {route_words(one.routes)}
                </td>
                <td data-of="State">
                  <State channel={one} />
                  {tested?.id === one.id && (
                    <p role="status" class={tested.is_ok ? "told" : "error-text told"}>
                      {tested.text}
                    </p>
                  )}
                </td>
                <td>
                  <span class="row">
                    {can_write && (
                      <button onClick={() => void test(one)} aria-label={`Test ${one.name}`}>
                        Test
                      </button>
                    )}
                    <button aria-label={`Log of ${one.name}`} aria-expanded={logged?.id === one.id} onClick={() => change({ log: logged?.id === one.id ? null : String(one.id) })}>
                      Log
                    </button>
                    {can_write && (
                      <>
                        <button aria-label={`Switch ${one.name} ${one.is_on ? "off" : "on"}`} onClick={() => void act(() => api(path_of(`/channels/${one.id}`), { method: "PATCH", body: { is_on: !one.is_on } }), `"${one.name}" is ${one.is_on ? "off" : "on"}`)}>
                          {one.is_on ? "Off" : "On"}
                        </button>
                        <button aria-label={`Change ${one.name}`} onClick={() => set_changed(one)}>
                          Change
                        </button>
                        <Sure text="Delete" label={`Delete ${one.name}`} sure="Really delete" run={() => void act(() => api(path_of(`/channels/${one.id}`), { method: "DELETE" }), `"${one.name}" is deleted, with what waited for it`)} />
                      </>
                    )}
                  </span>
                </td>
              </tr>
            ))}
          </Cards>
        )}
      </section>
      {logged && <ChannelLog key={logged.id} channel={logged} onClose={() => change({ log: null })} />}
      {can_write ? (
        <ChannelForm
          key={changed?.id ?? "new"}
          changed={changed}
          onEnd={() => set_changed(undefined)}
          onDone={() => {
            set_changed(undefined);
            channels.again();
          }}
        />
      ) : (
        <ReadOnly permission="PROJECT_WRITE" what="make and change channels" />
      )}
      <Reminders />
    </>
  );
}

function State({ channel }: { channel: Channel }) {
  if (channel.failed_at)
    return (
      <span class="error-text">
        failed <span title={when(channel.failed_at)}>{ago(channel.failed_at)}</span>: <span class="told">{channel.failed_why}</span>
      </span>
    );
  if (!channel.sent_at) return <span class="soft">nothing sent yet</span>;
  return <span title={when(channel.sent_at)}>last taken {ago(channel.sent_at)}</span>;
}
