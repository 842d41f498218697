/* Spans and log records as OTLP/JSON (opentelemetry-proto 1.x, "JSON Protobuf Encoding": ids are hexadecimal, 64-bit numbers texts). */
export type Value = string | number | boolean | readonly string[] | undefined;
export type Attributes = Record<string, Value>;

export interface Link {
  trace_id: string;
  span_id: string;
}

export interface SpanRecord extends Link {
  signal: "traces";
  parent_id: string;
  name: string;
  kind: 1 | 3; /* internal, client */
  start_ms: number; /* since 1970, with its fraction */
  end_ms: number;
  attributes: Attributes;
  error: string | undefined; /* what to say of a failure; undefined: none */
  events: readonly { name: string; at_ms: number; attributes: Attributes }[];
  bodies?: { request_body?: string; response_body?: string }; /* for a recording alone, where the page wants them */
}

export interface LogRecord {
  signal: "logs";
  at_ms: number;
  event: string;
  body: string;
  severity: 9 | 13 | 17; /* INFO, WARN, ERROR */
  attributes: Attributes;
  within: Link | undefined;
}

export type TelemetryRecord = SpanRecord | LogRecord;

/* performance.timeOrigin has fractions of a millisecond; a float keeps some 200 ns of it, a browser tells 5 us at best. */
export function now_ms(): number {
  return performance.timeOrigin + performance.now();
}

function nano(ms: number): string {
  const whole = Math.floor(ms);
  return String(whole) + String(Math.floor((ms - whole) * 1e6)).padStart(6, "0");
}

function value_of(value: string | number | boolean | readonly string[]): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: Number.isFinite(value) ? value : 0 };
  return { arrayValue: { values: value.map((text) => ({ stringValue: text })) } };
}

export function attributes_of(attributes: Attributes): object[] {
  const list: object[] = [];
  for (const key in attributes) {
    const value = attributes[key];
    if (value !== undefined) list.push({ key, value: value_of(value) });
  }
  return list;
}

function span_of(record: SpanRecord): object {
  return {
    traceId: record.trace_id,
    spanId: record.span_id,
    ...(record.parent_id && { parentSpanId: record.parent_id }),
    name: record.name,
    kind: record.kind,
    startTimeUnixNano: nano(record.start_ms),
    endTimeUnixNano: nano(Math.max(record.start_ms, record.end_ms)),
    attributes: attributes_of(record.attributes),
    events: record.events.map((event) => ({ name: event.name, timeUnixNano: nano(event.at_ms), attributes: attributes_of(event.attributes) })),
    ...(record.error !== undefined && { status: { code: 2, message: record.error } }),
  };
}

function log_of(record: LogRecord): object {
  return {
    timeUnixNano: nano(record.at_ms),
    observedTimeUnixNano: nano(record.at_ms),
    severityNumber: record.severity,
    severityText: record.severity === 17 ? "ERROR" : record.severity === 13 ? "WARN" : "INFO",
    eventName: record.event,
    body: { stringValue: record.body },
    attributes: attributes_of(record.attributes),
    ...(record.within && { traceId: record.within.trace_id, spanId: record.within.span_id }),
  };
}

export function record_json(record: TelemetryRecord): string {
  return JSON.stringify(record.signal === "traces" ? span_of(record) : log_of(record));
}

/* The body of a request, of records that are JSON already. */
export function request_json(signal: TelemetryRecord["signal"], resource: Attributes, version: string, records: readonly string[]): string {
  const [outer, inner, list] = signal === "traces" ? ["resourceSpans", "scopeSpans", "spans"] : ["resourceLogs", "scopeLogs", "logRecords"];
  const head = JSON.stringify({ attributes: attributes_of(resource) });
  return `{"${outer}":[{"resource":${head},"${inner}":[{"scope":{"name":"monoscope-browser","version":"${version}"},"${list}":[${records.join(",")}]}]}]}`;
}
