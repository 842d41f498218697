/* A trace as a tree in drawing order, from the spans as they come out of the table. Pure: no DOM, no fetching.
 *
 *   spans (any order) --shape--> Trace { span[0..n) depth first, by start; depth, parent, end of subtree, self time,
 *                                        critical path, lane of the flame graph, skew }
 *
 * Everything is an array by index into `spans`, so that 100,000 of them take some milliseconds and no garbage. A span whose
 * parent is not in the trace is a root that says so; cycles are cut; two spans of one id are both kept.
 *
 * Critical path: from a root's end backwards, always into the child that ends last before where we stand (CRISP, USENIX ATC
 * 2022): the time that, made shorter, makes the trace shorter. Self time: what no child covers. Skew: a child of another
 * service that could lie inside its parent by its length and does not: clocks differ, by about how much is told.
 */
export interface Span {
  id: string;
  parent_id: string;
  name: string;
  service: string;
  kind: string;
  is_error: boolean;
  start_us: number;
  duration_ns: number;
}

export interface Trace {
  spans: Span[];
  begin_us: number;
  end_us: number;
  parent: Int32Array; /* -1: a root */
  depth: Uint16Array;
  next: Int32Array; /* the first index behind its subtree */
  self_ns: Float64Array;
  on_path: Uint8Array;
  lane: Uint32Array; /* row in the flame graph */
  lane_count: number;
  skew_us: Float64Array; /* 0: none */
  services: { name: string; span_count: number; self_ns: number; error_count: number }[];
  error_count: number;
  orphan_count: number; /* whose parent was never sent, or not yet */
  has_error_below: Uint8Array;
}

const end_us = (span: Span) => span.start_us + span.duration_ns / 1e3;

function children_of(spans: readonly Span[], parent: Int32Array): { first: Int32Array; list: Int32Array } {
  const first = new Int32Array(spans.length + 2);
  for (const at of parent) first[at + 2] = (first[at + 2] ?? 0) + 1;
  for (let at = 1; at < first.length; at++) first[at] = (first[at] ?? 0) + (first[at - 1] ?? 0);
  const place = first.slice();
  const list = new Int32Array(spans.length);
  parent.forEach((of, at) => {
    const to = place[of + 1] ?? 0;
    list[to] = at;
    place[of + 1] = to + 1;
  });
  return { first, list };
}

function parents_of(spans: readonly Span[]): { parent: Int32Array; orphan_count: number } {
  const by_id = new Map<string, number>();
  spans.forEach((span, at) => {
    if (!by_id.has(span.id)) by_id.set(span.id, at);
  });
  const parent = new Int32Array(spans.length).fill(-1);
  let orphan_count = 0;
  spans.forEach((span, at) => {
    const found = span.parent_id ? by_id.get(span.parent_id) : undefined;
    if (found !== undefined && found !== at) parent[at] = found;
    else if (span.parent_id) orphan_count++;
  });
  /* What walks up into itself is cut where it was met first. */
  const seen = new Int32Array(spans.length);
  for (let at = 0; at < spans.length; at++) {
    for (let up = at; up >= 0 && seen[up] !== -1; up = parent[up] ?? -1) {
      if (seen[up] === at + 1) {
        parent[up] = -1;
        break;
      }
      seen[up] = at + 1;
    }
    for (let up = at; up >= 0 && seen[up] !== -1; up = parent[up] ?? -1) seen[up] = -1;
  }
  return { parent, orphan_count };
}

/* Depth first, roots and children by their start. */
function ordered(spans: readonly Span[], parent: Int32Array): Int32Array {
  const { first, list } = children_of(spans, parent);
  const by_start = (a: number, b: number) => (spans[a]?.start_us ?? 0) - (spans[b]?.start_us ?? 0) || a - b;
  const order = new Int32Array(spans.length);
  let count = 0;
  const stack: number[] = [];
  const push = (of: number) => {
    const some = Array.from(list.subarray(first[of + 1], first[of + 2])).sort(by_start);
    for (let at = some.length - 1; at >= 0; at--) stack.push(some[at] ?? 0);
  };
  push(-1);
  while (stack.length > 0) {
    const at = stack.pop() ?? 0;
    order[count++] = at;
    push(at);
  }
  return order;
}

/* The part of its length by which a span may end late: an answer is closed when the next call has begun already. */
const OVERLAP = 0.1;

function skew_of(span: Span, parent: Span): number {
  if (span.service === parent.service || span.duration_ns > parent.duration_ns) return 0;
  const room_us = (parent.duration_ns - span.duration_ns) / 1e3;
  const late_us = Math.max(5000, (span.duration_ns / 1e3) * OVERLAP); /* a server may go on a little when the answer is out */
  if (span.start_us >= parent.start_us && end_us(span) <= end_us(parent) + late_us) return 0;
  return Math.round(span.start_us - (parent.start_us + room_us / 2));
}

export function shape(unordered: readonly Span[]): Trace {
  const parents = parents_of(unordered);
  const order = ordered(unordered, parents.parent);
  const place = new Int32Array(unordered.length);
  order.forEach((from, to) => (place[from] = to));
  const spans = Array.from(order, (from) => unordered[from] as Span);
  const count = spans.length;
  const trace: Trace = {
    spans,
    begin_us: Infinity,
    end_us: -Infinity,
    parent: new Int32Array(count),
    depth: new Uint16Array(count),
    next: new Int32Array(count),
    self_ns: new Float64Array(count),
    on_path: new Uint8Array(count),
    lane: new Uint32Array(count),
    lane_count: 0,
    skew_us: new Float64Array(count),
    services: [],
    error_count: 0,
    orphan_count: parents.orphan_count,
    has_error_below: new Uint8Array(count),
  };
  for (let at = 0; at < count; at++) {
    const span = spans[at] as Span;
    const up = parents.parent[order[at] ?? 0] ?? -1;
    const parent = up < 0 ? -1 : (place[up] ?? -1);
    trace.parent[at] = parent;
    trace.depth[at] = parent < 0 ? 0 : Math.min(65535, (trace.depth[parent] ?? 0) + 1);
    trace.begin_us = Math.min(trace.begin_us, span.start_us);
    trace.end_us = Math.max(trace.end_us, end_us(span));
    if (parent >= 0) trace.skew_us[at] = skew_of(span, spans[parent] as Span);
    if (span.is_error) trace.error_count++;
  }
  if (count === 0) trace.begin_us = trace.end_us = 0;
  for (let at = count - 1; at >= 0; at--) {
    trace.next[at] = Math.max(trace.next[at] ?? 0, at + 1);
    const parent = trace.parent[at] ?? -1;
    if (parent < 0) continue;
    trace.next[parent] = Math.max(trace.next[parent] ?? 0, trace.next[at] ?? 0);
    if (spans[at]?.is_error || trace.has_error_below[at]) trace.has_error_below[parent] = 1;
  }
  self_times(trace);
  critical_path(trace);
  lanes(trace);
  services(trace);
  return trace;
}

/* The children of a span stand in `spans` by their start: one sweep adds up what they cover. */
function self_times(trace: Trace): void {
  const { spans, parent, self_ns } = trace;
  const covered_to = new Float64Array(spans.length).fill(-Infinity);
  spans.forEach((span, at) => (self_ns[at] = span.duration_ns));
  for (let at = 0; at < spans.length; at++) {
    const up = parent[at] ?? -1;
    if (up < 0) continue;
    const above = spans[up] as Span;
    const from = Math.max(spans[at]?.start_us ?? 0, above.start_us, covered_to[up] ?? 0);
    const to = Math.min(end_us(spans[at] as Span), end_us(above));
    if (to > from) {
      self_ns[up] = Math.max(0, (self_ns[up] ?? 0) - (to - from) * 1e3);
      covered_to[up] = to;
    }
  }
}

function critical_path(trace: Trace): void {
  const { spans, parent, on_path } = trace;
  const children: number[][] = spans.map(() => []);
  const roots: number[] = [];
  parent.forEach((up, at) => (up < 0 ? roots : (children[up] ?? [])).push(at));
  const longest = roots.reduce((best, at) => (best < 0 || (spans[at]?.duration_ns ?? 0) > (spans[best]?.duration_ns ?? 0) ? at : best), -1);
  const stack: { at: number; until_us: number }[] = longest < 0 ? [] : [{ at: longest, until_us: end_us(spans[longest] as Span) }];
  while (stack.length > 0) {
    const { at, until_us } = stack.pop() as { at: number; until_us: number };
    on_path[at] = 1;
    let until = until_us;
    const by_end = (children[at] ?? []).slice().sort((a, b) => end_us(spans[b] as Span) - end_us(spans[a] as Span));
    for (const child of by_end) {
      const span = spans[child] as Span;
      if (end_us(span) - until > Math.max(1, (span.duration_ns / 1e3) * OVERLAP) || span.start_us >= until) continue;
      stack.push({ at: child, until_us: Math.min(until, end_us(span)) });
      until = span.start_us;
    }
  }
}

/* Below its parent, in the first row where nothing of the same row is in the way: spans come by start within a parent, so a
 * row's last end is all one has to know. */
function lanes(trace: Trace): void {
  const free_us: number[] = [];
  for (let at = 0; at < trace.spans.length; at++) {
    const span = trace.spans[at] as Span;
    const up = trace.parent[at] ?? -1;
    let lane = up < 0 ? 0 : (trace.lane[up] ?? 0) + 1;
    while ((free_us[lane] ?? -Infinity) > span.start_us) lane++;
    free_us[lane] = Math.max(end_us(span), span.start_us + 1);
    trace.lane[at] = lane;
    trace.lane_count = Math.max(trace.lane_count, lane + 1);
  }
}

function services(trace: Trace): void {
  const by_name = new Map<string, Trace["services"][number]>();
  trace.spans.forEach((span, at) => {
    let service = by_name.get(span.service);
    if (!service) by_name.set(span.service, (service = { name: span.service, span_count: 0, self_ns: 0, error_count: 0 }));
    service.span_count++;
    service.self_ns += trace.self_ns[at] ?? 0;
    if (span.is_error) service.error_count++;
  });
  trace.services = [...by_name.values()].sort((a, b) => b.self_ns - a.self_ns);
}

/* Which spans are to be seen, in order, when some are folded. */
export function visible(trace: Trace, folded: ReadonlySet<string>): Int32Array {
  const rows = new Int32Array(trace.spans.length);
  let count = 0;
  for (let at = 0; at < trace.spans.length; ) {
    rows[count++] = at;
    at = folded.has(trace.spans[at]?.id ?? "") ? (trace.next[at] ?? at + 1) : at + 1;
  }
  return rows.subarray(0, count);
}

/* Spans whose name, service, kind or id has the words; all words must be there. */
export function find(trace: Trace, text: string): Int32Array {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return new Int32Array(0);
  const found: number[] = [];
  trace.spans.forEach((span, at) => {
    const told = `${span.name} ${span.service} ${span.kind} ${span.id}${span.is_error ? " error" : ""}`.toLowerCase();
    if (words.every((word) => told.includes(word))) found.push(at);
  });
  return Int32Array.from(found);
}

/* A trace of thousands opens folded below the depth that fits about `rows` spans, but for the way to its errors. */
export function folded_at_first(trace: Trace, rows: number): Set<string> {
  const folded = new Set<string>();
  if (trace.spans.length <= rows) return folded;
  const by_depth: number[] = [];
  for (const depth of trace.depth) by_depth[depth] = (by_depth[depth] ?? 0) + 1;
  let depth_max = 0;
  for (let sum = 0; depth_max < by_depth.length && sum + (by_depth[depth_max] ?? 0) <= rows; depth_max++) sum += by_depth[depth_max] ?? 0;
  trace.spans.forEach((span, at) => {
    const has_children = (trace.next[at] ?? 0) > at + 1;
    if (has_children && (trace.depth[at] ?? 0) >= Math.max(0, depth_max - 1)) folded.add(span.id);
  });
  return folded;
}

const COMING_MS = 120_000;
/* Is more of it to be expected? Spans are sent when they end and some seconds later: of a trace that has just been, parents or the span that
 * somebody came for may be on their way. */
export function is_coming(trace: Trace, wanted: string, now_ms: number): boolean {
  if (trace.spans.length === 0) return true;
  if (now_ms - trace.end_us / 1000 > COMING_MS) return false;
  return trace.orphan_count > 0 || (/^[0-9a-f]{16}$/.test(wanted) && !trace.spans.some((span) => span.id === wanted));
}
