/* A recording on its way to POST /v1/replay: events --cut--> numbered batches --gzip--> a queue, one request at a time, tried again.
 *
 *   add --> pending --each 5 s, or 40 KB, or soon after a snapshot--> batch 0, 1, 2 ... --2xx--> gone
 *                                                                     |- 429, 5xx, no answer: the same bytes again, later and later
 *                                                                     '- more than QUEUE_BYTES_MAX wait: the oldest go, the rest begins with a new snapshot
 *
 * A batch is kept once by the server, however often it is sent; one that never comes is a gap there. pending stays small enough to
 * outlive the page in one request. */
import { fault } from "./guard";
import { compressed, type Posted, post, wait_of } from "./post";

const EACH_MS = 5000;
const SNAPSHOT_MS = 200;
const BATCH_BYTES = 40_000;
const EVENTS_MAX = 5000;
const EVENT_BYTES_MAX = 4_000_000; /* the server takes 4 MiB */
const QUEUE_BYTES_MAX = 4 << 20; /* compressed: minutes of a busy page */
const KEPT_ALIVE_MAX = 30_000;

export interface StreamOptions {
  endpoint: string;
  key: string;
  fetch: typeof fetch;
  /* The members of a batch beside "sequence", "isLast" and "events". */
  head: () => Record<string, unknown>;
  /* A new full snapshot is needed: the server asked for it, or what is sent from now on does not follow from what it has. */
  snapshot: () => void;
  /* The key is refused: nothing more is sent. */
  refused: () => void;
}

interface Batch {
  sequence: number;
  text: string; /* "" once it is packed */
  packed: Posted | undefined;
  bytes: number;
}

export class Stream {
  private pending: string[] = [];
  private pending_bytes = 0;
  private queue: Batch[] = [];
  private sending: Batch | undefined;
  private sequence = 0;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private timer_at = Infinity;
  private again_at = 0;
  private is_over = false;

  constructor(private readonly options: StreamOptions) {}

  /* json: an event. */
  add(json: string, is_snapshot: boolean): void {
    if (this.is_over || json.length > EVENT_BYTES_MAX) return;
    this.pending.push(json);
    this.pending_bytes += json.length;
    this.soon(is_snapshot || this.pending_bytes > BATCH_BYTES || this.pending.length > EVENTS_MAX ? SNAPSHOT_MS : EACH_MS);
  }

  private soon(wait_ms: number): void {
    const at = Math.max(Date.now() + wait_ms, this.again_at);
    if (this.is_over || at >= this.timer_at) return;
    clearTimeout(this.timer);
    this.timer_at = at;
    this.timer = setTimeout(() => {
      this.timer_at = Infinity;
      this.flush(false).catch(fault);
    }, at - Date.now());
  }

  private cut(is_last: boolean, count = this.pending.length): Batch | undefined {
    if (count === 0) return undefined;
    const events = this.pending.splice(0, count);
    for (const event of events) this.pending_bytes -= event.length;
    const head = JSON.stringify({ ...this.options.head(), sequence: this.sequence, isLast: is_last && this.pending.length === 0 });
    const text = `${head.slice(0, -1)},"events":[${events.join(",")}]}`;
    return { sequence: this.sequence++, text, packed: undefined, bytes: text.length };
  }

  /* All that is pending becomes batches; answers when the queue is empty or must wait. */
  async flush(is_last: boolean): Promise<void> {
    while (this.pending.length > 0) {
      let count = 0, bytes = 0;
      while (count < this.pending.length && count < EVENTS_MAX && (count === 0 || bytes + (this.pending[count]?.length ?? 0) < EVENT_BYTES_MAX)) bytes += this.pending[count++]?.length ?? 0;
      const batch = this.cut(is_last, count);
      if (batch) this.queue.push(batch);
    }
    if (this.sending) return this.bound(); /* who sends goes on with it */
    if (Date.now() < this.again_at) {
      this.soon(0);
      return this.bound();
    }
    while (this.queue.length > 0 && !this.is_over) {
      const batch = (this.sending = this.queue.shift() as Batch);
      let again_ms: number | undefined;
      try {
        again_ms = await this.send(batch);
      } finally {
        this.sending = undefined;
      }
      if (again_ms === undefined) {
        this.failures = 0;
        continue;
      }
      if (!this.is_over) this.queue.unshift(batch);
      this.failures++;
      this.again_at = Date.now() + again_ms;
      await this.bound();
      this.soon(0);
      return;
    }
  }

  private async pack(batch: Batch): Promise<Posted> {
    if (!batch.packed) {
      batch.packed = await compressed(batch.text);
      batch.bytes = batch.packed.bytes;
      batch.text = "";
    }
    return batch.packed;
  }

  /* What waits is packed, and bounded. */
  private async bound(): Promise<void> {
    for (const batch of [...this.queue]) if (batch !== this.sending) await this.pack(batch);
    let bytes = this.queue.reduce((sum, batch) => sum + batch.bytes, 0);
    if (bytes <= QUEUE_BYTES_MAX) return;
    while (bytes > QUEUE_BYTES_MAX / 2) bytes -= this.queue.shift()?.bytes ?? bytes;
    this.options.snapshot();
  }

  private request(body: BodyInit, headers: Record<string, string>, more: RequestInit): Promise<Response> {
    return post(this.options, "/v1/replay", body, headers, more);
  }

  /* In how many milliseconds to try again; undefined: the batch is done with. */
  private async send(batch: Batch): Promise<number | undefined> {
    const packed = await this.pack(batch), patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), 30_000);
    try {
      const answer = await this.request(packed.body, packed.headers, { signal: patience.signal, keepalive: packed.bytes < KEPT_ALIVE_MAX });
      if (answer.ok) {
        if (/"snapshot"\s*:\s*true/.test(await answer.text().catch(() => ""))) this.options.snapshot();
        return undefined;
      }
      const again_ms = wait_of(answer, this.failures);
      if (again_ms === undefined && (answer.status === 401 || answer.status === 403)) {
        this.end();
        this.options.refused();
      } else if (again_ms === undefined) this.options.snapshot(); /* it is lost: what comes must not need it */
      return again_ms;
    } catch {
      return wait_of(undefined, this.failures);
    } finally {
      clearTimeout(timer);
    }
  }

  /* The page may be gone after this. left: the bytes that may outlive it. The last batch goes now; of what waited, what fits. */
  leave(left: number, is_last: boolean): void {
    if (this.is_over) return;
    let free = left - (this.sending?.packed && this.sending.bytes < KEPT_ALIVE_MAX ? this.sending.bytes : 0);
    const waiting = this.sending && this.sending.bytes >= KEPT_ALIVE_MAX ? [this.sending, ...this.queue] : [...this.queue];
    const last = this.cut(is_last);
    if (last) {
      waiting.push(last);
      this.queue.push(last);
    }
    for (const batch of waiting) {
      const body = batch.packed?.body ?? new TextEncoder().encode(batch.text);
      const bytes = batch.packed?.bytes ?? (body as Uint8Array).byteLength;
      if (bytes > free) continue;
      free -= bytes;
      this.request(body, batch.packed?.headers ?? {}, { keepalive: true }).then(
        (answer) => {
          if (answer.ok) this.queue = this.queue.filter((one) => one !== batch);
        },
        () => undefined, /* it stays in the queue: the page is still there, then */
      );
    }
    this.soon(EACH_MS);
  }

  end(): void {
    this.is_over = true;
    clearTimeout(this.timer);
    this.pending = [];
    this.queue = [];
  }
}
