/* What the server says, shaped for the pages of services: pure. */
import type { Cell, Schemas, Table } from "../api/client";
import { times_of } from "../charts/series";
import { from_iso, type Range } from "../time";
import { durations_step } from "./statement";
import { NO_FIGURES, whole_steps, type Figures, type Health, type Service } from "./services";

type Told = Schemas["ServiceFigures"];
export function figures_of(told: Told): Figures {
  const { requests, request_errors: errors, duration_ns } = told;
  return duration_ns ? { requests, errors, mean: duration_ns.mean, p50: duration_ns.p50, p95: duration_ns.p95, p99: duration_ns.p99 } : { ...NO_FIGURES, requests, errors };
}

export function health_of_rollups(answer: Schemas["ServiceHealth"], statement: string, now: number): Health {
  const range = { from_us: from_iso(answer.from), to_us: from_iso(answer.to) };
  const step_us = answer.step_seconds * 1e6;
  const times = times_of(range, step_us);
  const whole = (counts: readonly number[]) => whole_steps(counts, times, step_us, range, now);
  return {
    range,
    seconds: Math.max(1, (Math.min(range.to_us, now) - range.from_us) / 1e6),
    before_seconds: (range.from_us - from_iso(answer.before_from)) / 1e6,
    step_us,
    times,
    is_whole: answer.is_whole,
    answered_from: "rollups",
    statement,
    services: answer.items.map((one) => ({
      name: one.name,
      now: figures_of(one.now),
      before: figures_of(one.before),
      spans: one.spans,
      span_errors: one.span_errors,
      logs: one.logs,
      log_errors: one.log_errors,
      points: one.metric_points,
      over_time: { requests: whole(one.over_time.requests), errors: whole(one.over_time.errors), p95: one.over_time.p95 },
    })),
  };
}

const number = (cell: Cell | undefined): number => Number(cell ?? 0);
const or_null = (cell: Cell | undefined): number | null => (cell === null || cell === undefined ? null : Number(cell));
/* A list comes as JSON's or as PostgreSQL's text: {1,2,3}. */
export function list_of(cell: Cell | undefined): (number | null)[] {
  const parts = Array.isArray(cell) ? cell : typeof cell === "string" ? cell.replace(/[{}[\]]/g, "").split(",") : [];
  return parts.map((one) => (one === null || one === "" || one === "NULL" || !Number.isFinite(Number(one)) ? null : Number(one)));
}

/* Rows of health_statement. */
export function health_of_rows({ rows, answered_from }: Pick<Table, "rows" | "answered_from">, range: Range, step_us: number, statement: string, now: number): Health {
  const times = times_of(range, step_us);
  const whole = (counts: readonly number[]) => whole_steps(counts, times, step_us, range, now);
  const durations_us = durations_step(range, step_us);
  const services = new Map<string, Service>();
  const service_of = (name: string): Service => {
    const found = services.get(name) ?? {
      name, now: { ...NO_FIGURES }, before: { ...NO_FIGURES }, spans: 0, span_errors: 0, logs: 0, log_errors: 0, points: 0,
      over_time: { requests: whole([]), errors: whole([]), p95: times.map((): number | null => null) },
    };
    services.set(name, found);
    return found;
  };
  for (const [part, name, step, requests, errors, mean, spans, span_errors, logs, log_errors, quantiles] of rows) {
    const service = service_of(String(name));
    const { over_time } = service;
    const of_step = (t_us: number, width_us: number) => Math.floor(t_us / width_us) === number(step);
    if (part === "durations now" || part === "durations before") {
      const [p50 = null, p95 = null, p99 = null] = list_of(quantiles);
      if (step === null) Object.assign(part === "durations now" ? service.now : service.before, { p50, p95, p99 });
      else over_time.p95 = over_time.p95.map((value, at) => (of_step(times[at] ?? 0, durations_us) ? p95 : value));
    } else if (step === null) {
      Object.assign(part === "now" ? service.now : service.before, { requests: number(requests), errors: number(errors), mean: or_null(mean) });
      if (part === "now") Object.assign(service, { spans: number(spans), span_errors: number(span_errors), logs: number(logs), log_errors: number(log_errors) });
    } else {
      const put = (counts: (number | null)[], count: Cell | undefined) => counts.map((value, at) => (value !== null && of_step(times[at] ?? 0, step_us) ? number(count) : value));
      Object.assign(over_time, { requests: put(over_time.requests, requests), errors: put(over_time.errors, errors) });
    }
  }
  const length = (range.to_us - range.from_us) / 1e6;
  return { range, seconds: Math.max(1, (Math.min(range.to_us, now) - range.from_us) / 1e6), before_seconds: length, step_us, times, is_whole: true, answered_from, statement, services: [...services.values()] };
}
