/* The last minutes of a recording that is sent only when something breaks: two parts, each begins with a full snapshot, so that what is
 * left when the older one goes can be played. */
const BYTES_MAX = 4 << 20;
const PART_BYTES = 2 << 20;
const PART_MS = 60_000;
const SOONEST_MS = 10_000; /* a page that is a torrent does not get a snapshot all the time */

export class Ring {
  private parts: { events: string[]; bytes: number; begin_ms: number }[] = [];

  /* is_begin: the first event of a snapshot. Answers: it is time for the next snapshot. */
  add(json: string, is_begin: boolean, now_ms: number): boolean {
    if (is_begin) {
      this.parts.push({ events: [], bytes: 0, begin_ms: now_ms });
      if (this.parts.length > 2) this.parts.shift();
    }
    const part = this.parts[this.parts.length - 1];
    if (!part) return false; /* what comes before the first snapshot cannot be played */
    if (part.bytes + json.length > BYTES_MAX) this.parts = []; /* it begins anew with the next snapshot */
    else {
      part.events.push(json);
      part.bytes += json.length;
    }
    const age_ms = now_ms - part.begin_ms;
    return age_ms > PART_MS || (part.bytes > PART_BYTES && age_ms > SOONEST_MS);
  }

  take(): string[] {
    const events = this.parts.flatMap((part) => part.events);
    this.parts = [];
    return events;
  }
}

/* How many changes of the document a second are recorded; more at once is what building a page takes. */
export class Budget {
  private tokens: number;
  private at_ms = 0;

  constructor(private readonly each_s: number, private readonly at_once = each_s * 20) {
    this.tokens = at_once;
  }

  /* false: it is spent. */
  spend(count: number, now_ms: number): boolean {
    if (this.at_ms > 0) this.tokens = Math.min(this.at_once, this.tokens + ((now_ms - this.at_ms) / 1000) * this.each_s);
    this.at_ms = now_ms;
    this.tokens -= count;
    return this.tokens >= 0;
  }

  refill(): void {
    this.tokens = this.at_once / 4;
  }
}
