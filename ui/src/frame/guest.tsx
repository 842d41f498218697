/* Of who came by a link: what it is, until when; and what stands there when it has ended. */
import { sign_in } from "../api/client";
import { me } from "../session";
import { from_iso, show_time } from "../time";
import { is_utc } from "./range";
import { Empty } from "./state";

export function GuestBanner() {
  const who = me.value;
  if (who?.kind !== "share") return null;
  return (
    <p class="guest" role="note">
      <span>
        Shared by <b class="told">{who.name}</b> until {show_time(from_iso(who.expires_at ?? ""), 0, is_utc.value)}, read-only
      </span>
      <button class="plain" onClick={sign_in}>
        Sign in
      </button>
    </p>
  );
}

export function GuestEnded() {
  return (
    <main class="alone">
      <Empty title="This link has ended">
        <p class="soft">It expired or was revoked. Who sent it to you can make another.</p>
        <button onClick={sign_in}>Sign in</button>
      </Empty>
    </main>
  );
}
