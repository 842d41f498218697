/* Who is here, for how long: a session spans the tabs of an origin and ends after 30 minutes without anybody's doing or after 4 hours;
 * a tab has an id until it is closed, a page view until the next page.
 *
 * What is kept: localStorage "monoscope.session" = id, begin, last act, previous id; sessionStorage "monoscope.tab", and
 * "monoscope.error" = the session in which something broke. Where a browser keeps
 * nothing (a sandbox, a full or forbidden store) they live as long as the page. */
import { id_make } from "./id";

const IDLE_MS = 30 * 60_000;
const MAX_MS = 4 * 3600_000;
const KEPT_EACH_MS = 5000; /* an act is written down so often at most: other tabs need not know it sooner */
const SESSION = "monoscope.session";
const TAB = "monoscope.tab";
const MARK = "monoscope.error";

export interface Session {
  id: string;
  previous_id: string | undefined;
  begin_ms: number;
  act_ms: number;
}

function read(store: () => Storage, key: string): string | null {
  try {
    return store().getItem(key);
  } catch {
    return null;
  }
}

function write(store: () => Storage, key: string, value: string | null): void {
  try {
    if (value === null) store().removeItem(key);
    else store().setItem(key, value);
  } catch {
    /* it lives as long as the page, then */
  }
}

const local = () => window.localStorage;
const tabs = () => window.sessionStorage;

export function session_parse(text: string | null): Session | undefined {
  if (!text) return undefined;
  const [id = "", begin, act, previous] = text.split(" ");
  const begin_ms = Number(begin), act_ms = Number(act);
  if (!/^[0-9a-f]{32}$/.test(id) || !(begin_ms > 0) || !(act_ms >= begin_ms)) return undefined;
  return { id, begin_ms, act_ms, previous_id: /^[0-9a-f]{32}$/.test(previous ?? "") ? previous : undefined };
}

export function session_is_over(session: Session, now_ms: number): boolean {
  return now_ms - session.act_ms > IDLE_MS || now_ms - session.begin_ms > MAX_MS || now_ms < session.begin_ms - IDLE_MS;
}

export class Visit {
  private session: Session | undefined;
  private kept_ms = 0;
  readonly tab_id: string;
  page_view_id = id_make(8);

  /* `renewed` is called with each new session but the first. */
  constructor(private readonly renewed: (session: Session) => void) {
    const tab = read(tabs, TAB);
    this.tab_id = tab && /^[0-9a-f]{16}$/.test(tab) ? tab : id_make(8);
    write(tabs, TAB, this.tab_id);
  }

  /* The session of now; an act keeps it from ending. */
  current(is_act: boolean): Session {
    const now = Date.now();
    let session = this.session;
    if (!session || session_is_over(session, now) || now - this.kept_ms > KEPT_EACH_MS) {
      const kept = session_parse(read(local, SESSION)); /* another tab may have gone on with it, or begun the next one */
      if (kept && session?.id === kept.id) kept.act_ms = Math.max(kept.act_ms, session.act_ms);
      session = kept ?? session;
    }
    const is_new = !session || session_is_over(session, now);
    if (!session || is_new) session = { id: id_make(16), begin_ms: now, act_ms: now, previous_id: session?.id };
    else if (is_act) session.act_ms = now;
    const was = this.session;
    this.session = session;
    if (is_new || now - this.kept_ms > KEPT_EACH_MS) {
      this.kept_ms = now;
      write(local, SESSION, `${session.id} ${session.begin_ms} ${session.act_ms} ${session.previous_id ?? "-"}`);
    }
    if (was && was.id !== session.id) this.renewed(session);
    return session;
  }

  mark_write(): void {
    write(tabs, MARK, this.current(false).id);
  }

  mark_is(): boolean {
    return read(tabs, MARK) === this.current(false).id;
  }

  forget(): void {
    this.session = undefined;
    write(tabs, MARK, null);
    write(local, SESSION, null);
    write(tabs, TAB, null);
  }
}
