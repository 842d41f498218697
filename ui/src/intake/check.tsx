/* "Send a test event": lines to paste, and what becomes of them, asked once a second: received, refused and why, visible. */
import { useEffect, useState } from "preact/hooks";
import { api, query, type Schemas } from "../api/client";
import { toast } from "../frame/toast";
import { Ways } from "../frame/ways";
import { may } from "../settings/access";
import { path_of, role_here } from "../settings/load";
import { from_iso, now_us, show_duration, to_iso } from "../time";
import { change, href, project_name, project_path } from "../url";
import { ReasonLine } from "./detail";
import { seen_at, since, type Intake, type Reason } from "./intake";

const POLL_MS = 1000;
const POLL_FOR_MS = 600000;

interface Told {
  seen_us: number | undefined; /* a request came */
  refused: readonly Reason[];
  visible_us: number | undefined; /* when its row was found */
}

/* The row with that service name: what the lines send. */
async function is_visible(name: string): Promise<boolean> {
  const answer = await query(project_name.value, "SELECT 1 FROM otel_logs_and_spans WHERE resource___service___name = $1 AND timestamp > now() - interval '1 hour' LIMIT 1", { parameters: [name], what: "the test event", is_read_only: true });
  return answer.rows.length > 0;
}

async function look(name: string, begun_us: number): Promise<Told> {
  const [visible, intake] = await Promise.all([is_visible(name), api<Intake>(path_of("/intake"), { query: { from: to_iso(begun_us - 60e6), to: to_iso(now_us()) } })]);
  const all = [...intake.keys, ...(intake.unknown ? [intake.unknown] : [])];
  const seen = all.map((key) => seen_at(key.signals)).filter((at): at is string => at !== null && from_iso(at) >= begun_us);
  const last = seen.sort().at(-1);
  return { seen_us: last ? from_iso(last) : undefined, refused: all.flatMap((key) => since(key.reasons, begun_us)), visible_us: visible ? now_us() : undefined };
}

/* Until it is visible, ten minutes at most. */
function useTold(name: string): { told: Told; begun_us: number; is_over: boolean } {
  const [begun_us] = useState(now_us);
  const [told, set] = useState<Told>({ seen_us: undefined, refused: [], visible_us: undefined });
  const [is_over, end] = useState(false);
  useEffect(() => {
    if (told.visible_us !== undefined || is_over) return;
    let is_gone = false;
    const timer = setTimeout(() => {
      if (now_us() - begun_us > POLL_FOR_MS * 1e3) end(true);
      else
        look(name, begun_us).then(
          (next) => !is_gone && set(next),
          () => !is_gone && set((before) => ({ ...before })), /* asked again */
        );
    }, POLL_MS);
    return () => {
      is_gone = true;
      clearTimeout(timer);
    };
  }, [told, is_over]);
  return { told, begun_us, is_over };
}

export function Check({ name }: { name: string }) {
  const { told, begun_us, is_over } = useTold(name);
  const [secret, set_secret] = useState("");
  const make = async () => {
    try {
      set_secret((await api<Schemas["KeyCreated"]>(path_of("/keys"), { method: "POST", body: { name: `check ${new Date().toISOString().slice(0, 16).replace("T", " ")}`, scopes: ["ingest"] } })).secret ?? "");
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), true);
    }
  };
  return (
    <section class="check" aria-label="A test event">
      <div class="row">
        <h2 class="grow">
          Send a test event as <code>{name}</code>
        </h2>
        <button class="plain" aria-label="Close" onClick={() => change({ check: null }, true)}>
          ×
        </button>
      </div>
      <Ways secret={secret} first="curl" service={name}>
        {secret ? <span class="soft">The key is shown this once: keep it.</span> : may(role_here.value, "KEY_WRITE") && <button onClick={() => void make()}>Put a new key in</button>}
      </Ways>
      <ol class="check-steps" aria-live="polite">
        <li class={told.seen_us !== undefined ? "done" : "waits"}>{told.seen_us !== undefined ? `A request came, ${show_duration((told.seen_us - begun_us) * 1e3)} after this was opened` : is_over ? "Nothing came for ten minutes" : "Waiting for a request …"}</li>
        <li class={told.visible_us !== undefined ? "done" : "waits"}>
          {told.visible_us !== undefined ? (
            <>
              The event can be seen:{" "}
              <a href={href(project_path("explore"), { q: `service:${name}`, from: "now-1h" })}>
                open it
              </a>
            </>
          ) : (
            `No row of ${name} yet`
          )}
        </li>
      </ol>
      {told.refused.length > 0 && (
        <>
          <h3>Refused since then</h3>
          <ul class="reasons">
            {told.refused.map((reason) => (
              <ReasonLine key={reason.signal + reason.code + reason.example} reason={reason} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
