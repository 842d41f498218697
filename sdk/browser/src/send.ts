/* From the page to Monoscope: batches of records, compressed, bounded, tried again.
 *
 *   add --> waiting, at most RECORDS_MAX and BYTES_MAX, the oldest dropped and counted
 *             '- every 2 s, or 64 records --> one request a signal --2xx--> gone
 *                                               |- 429, 5xx, no answer: waits as Retry-After says, else 1 s, 2 s, 4 s ... 60 s
 *                                               '- else: dropped; 401 and 403 end the sending: the key is not right
 *   leave: what waits goes with `keepalive`, which lives on after the page, up to its 64 KiB
 */
import { fault } from "./guard";
import { type Attributes, type TelemetryRecord, record_json, request_json } from "./otlp";
import { compressed, post, type Server, wait_of } from "./post";

const RECORDS_MAX = 2000;
const BYTES_MAX = 1 << 20;
const RECORD_BYTES_MAX = 64 << 10;
const BATCH_RECORDS = 64;
const BATCH_BYTES = 256 << 10;
const EACH_MS = 2000;
const ANSWER_MAX_MS = 30_000;
const KEEPALIVE_BYTES_MAX = 60_000; /* browsers allow 64 KiB of all requests that outlive the page together */

interface Waiting {
  signal: TelemetryRecord["signal"];
  json: string;
}

export interface SenderOptions extends Server {
  resource: () => Attributes;
  version: string;
}

export class Sender {
  private waiting: Waiting[] = [];
  private bytes = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private is_sending = false;
  private is_over = false;
  private failures = 0;
  dropped = 0; /* since the page began; told with each batch */

  constructor(private readonly options: SenderOptions) {}

  add(record: TelemetryRecord): void {
    if (this.is_over) return;
    const json = record_json(record);
    if (json.length > RECORD_BYTES_MAX) {
      this.dropped++;
      return;
    }
    this.waiting.push({ signal: record.signal, json });
    this.bytes += json.length;
    while (this.waiting.length > RECORDS_MAX || this.bytes > BYTES_MAX) {
      this.bytes -= this.waiting.shift()?.json.length ?? 0;
      this.dropped++;
    }
    if (this.waiting.length >= BATCH_RECORDS && this.failures === 0) this.soon(0);
    else this.soon(EACH_MS);
  }

  forget(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting = [];
    this.bytes = 0;
  }

  end(): void {
    this.is_over = true;
    this.forget();
  }

  private soon(wait_ms: number): void {
    if (this.is_sending || this.is_over || (this.timer !== undefined && wait_ms > 0)) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.flush().catch(fault);
    }, wait_ms);
  }

  /* The oldest records of one signal, as many as one request takes. */
  private take(bytes_max: number): Waiting[] {
    const signal = this.waiting[0]?.signal, taken: Waiting[] = [], left: Waiting[] = [];
    let bytes = 0;
    for (const one of this.waiting) {
      if (one.signal === signal && taken.length < BATCH_RECORDS && (taken.length === 0 || bytes + one.json.length <= bytes_max)) taken.push(one), (bytes += one.json.length);
      else left.push(one);
    }
    this.waiting = left;
    this.bytes -= bytes;
    return taken;
  }

  private give_back(taken: Waiting[]): void {
    this.waiting = taken.concat(this.waiting);
    for (const one of taken) this.bytes += one.json.length;
  }

  private body(taken: readonly Waiting[]): string {
    const resource = { ...this.options.resource(), ...(this.dropped > 0 && { "monoscope.sdk.dropped": this.dropped }) };
    return request_json(taken[0]?.signal ?? "logs", resource, this.options.version, taken.map((one) => one.json));
  }

  private request(taken: readonly Waiting[], body: BodyInit, more: RequestInit, headers: Record<string, string>): Promise<Response> {
    return post(this.options, `/v1/${taken[0]?.signal ?? "logs"}`, body, headers, more);
  }

  async flush(): Promise<void> {
    if (this.is_sending || this.is_over) return;
    this.is_sending = true;
    let wait_ms = EACH_MS;
    try {
      while (this.waiting.length > 0 && !this.is_over) {
        const taken = this.take(BATCH_BYTES);
        const again_ms = await this.send(taken);
        if (again_ms === undefined) {
          this.failures = 0;
          continue;
        }
        this.give_back(taken);
        this.failures++;
        wait_ms = again_ms;
        break;
      }
    } finally {
      this.is_sending = false;
    }
    if (this.waiting.length > 0) this.soon(wait_ms);
  }

  /* In how many milliseconds to try again; undefined: the batch is done with. */
  private async send(taken: readonly Waiting[]): Promise<number | undefined> {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), ANSWER_MAX_MS);
    try {
      const { body, headers } = await compressed(this.body(taken));
      const answer = await this.request(taken, body, { signal: patience.signal }, headers);
      if (answer.ok) return undefined;
      const again_ms = wait_of(answer, this.failures);
      if (again_ms !== undefined) return again_ms;
      this.dropped += taken.length;
      if (answer.status === 401 || answer.status === 403) {
        console.warn(`monoscope: the key is not taken (${answer.status}): nothing more is sent from this page`);
        this.end();
      }
      return undefined;
    } catch {
      return wait_of(undefined, this.failures);
    } finally {
      clearTimeout(timer);
    }
  }

  /* The page may be gone after this: nothing can be waited for, so nothing is compressed. A request goes for each signal; what is
   * beyond the bound stays, and goes when the page comes back from the browser's cache. Answers with what is left of the bound. */
  leave(): number {
    let left = KEEPALIVE_BYTES_MAX;
    while (this.waiting.length > 0 && !this.is_over) {
      const taken = this.take(left - 2048);
      const body = this.body(taken);
      if (body.length * 3 > left && new TextEncoder().encode(body).length > left) {
        this.give_back(taken);
        return left;
      }
      left -= body.length;
      this.request(taken, body, { keepalive: true }, {}).then(
        (answer) => {
          if (!answer.ok) this.dropped += taken.length;
        },
        () => this.give_back(taken), /* the page is still there, then: in a moment again */
      );
    }
    return left;
  }
}
