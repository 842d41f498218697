/* A link to what is shown, for people without an account: it opens this range of time and no other, read-only, until it ends. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { all_of } from "../session";
import { from_iso, show_time, to_iso, type Range } from "../time";
import { project_name } from "../url";
import { is_utc } from "./range";
import { address_here } from "./saved";
import { told } from "./saved_bar";
import { Sheet } from "./sheet";
import { copy, toast } from "./toast";

type Share = Schemas["Share"];
const LIVES: readonly { days: number; text: string }[] = [
  { days: 1, text: "1 day" },
  { days: 7, text: "7 days" },
  { days: 30, text: "30 days" },
  { days: 90, text: "90 days" },
];
const path_of = () => `/projects/${encodeURIComponent(project_name.value)}/shares`;
const when = (text: string) => show_time(from_iso(text), 0, is_utc.value);

export function ShareSheet({ title, range, onClose }: { title: string; range: Range; onClose: () => void }) {
  const [days, set_days] = useState(7);
  const [link, set_link] = useState("");
  const [is_busy, busy] = useState(false);
  const links = useLoad(`${project_name.value}/${link}`, () => all_of<Share>(path_of()));
  const make = async () => {
    busy(true);
    try {
      const expires = new Date(Date.now() + days * 86400e3 - 60e3).toISOString();
      const made = await api<Schemas["ShareCreated"]>(path_of(), { method: "POST", body: { title, address: address_here.value, from: to_iso(range.from_us), to: to_iso(range.to_us), expires_at: expires } });
      const url = `${window.location.origin}${made.path}`;
      set_link(url);
      void copy(url, "link");
    } catch (error) {
      told(error);
    }
    busy(false);
  };
  const revoke = async (share: Share) => {
    try {
      await api(`${path_of()}/${share.id}`, { method: "DELETE" });
      toast("The link is revoked: it opens nothing any more");
      links.again();
    } catch (error) {
      told(error);
    }
  };
  return (
    <Sheet title="Share this view" onClose={onClose} wide>
      <h1>Share this view</h1>
      <p>
        Who has the link needs no account. They can read <b class="told">{project_name.value}</b> from <b>{show_time(range.from_us, 0, is_utc.value)}</b> to <b>{show_time(range.to_us, 0, is_utc.value)}</b>, with every row and attribute of that time, and nothing else.
      </p>
      {link ? (
        <div class="sheet-form">
          <label>
            The link, shown this once
            <input class="share-link" readOnly value={link} onFocus={(event) => event.currentTarget.select()} />
          </label>
          <button class="primary" onClick={() => void copy(link, "link")}>
            Copy
          </button>
        </div>
      ) : (
        <div class="row">
          <label class="row">
            Ends in
            <select value={days} onChange={(event) => set_days(Number(event.currentTarget.value))}>
              {LIVES.map((one) => (
                <option key={one.days} value={one.days}>
                  {one.text}
                </option>
              ))}
            </select>
          </label>
          <button class="primary" disabled={is_busy} onClick={() => void make()}>
            Make the link
          </button>
        </div>
      )}
      <h2>Links of this project</h2>
      {links.problem && <p class="error-text told">{links.problem.detail}</p>}
      {links.value?.length === 0 && <p class="soft">None is open.</p>}
      <ul class="saved-list">
        {links.value?.map((share) => (
          <li class="row" key={share.id}>
            <span class="grow saved-open">
              <b class="told ellipsis">{share.title || share.address}</b>
              <span class="soft told">
                {when(share.from)} – {when(share.to).replace(`${when(share.from).slice(0, 10)} `, "")}, by {share.owner}, until {when(share.expires_at)}
              </span>
            </span>
            {share.can_revoke && (
              <button onClick={() => void revoke(share)} aria-label={`Revoke the link to ${share.title || share.address}`}>
                Revoke
              </button>
            )}
          </li>
        ))}
      </ul>
      <button onClick={onClose}>Close</button>
    </Sheet>
  );
}
