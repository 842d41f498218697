/* What the server says, shaped for the pages of services: pure. */
import type { Cell, Schemas } from "../api/client";
import { times_of } from "../charts/series";
import { from_iso, type Range } from "../time";
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
export function health_of_rows(rows: readonly Cell[][], range: Range, step_us: number, statement: string, now: number): Health {
  const times = times_of(range, step_us);
  const whole = (counts: readonly number[]) => whole_steps(counts, times, step_us, range, now);
  const first = Math.round((times[0] ?? 0) / step_us);
  const services = new Map<string, Service>();
  for (const [name, is_now, is_whole, step, requests, errors, quantiles, mean, spans, span_errors, logs, log_errors] of rows) {
    let service = services.get(String(name));
    if (!service) {
      const over_time = { requests: whole([]), errors: whole([]), p95: times.map((): number | null => null) };
      service = { name: String(name), now: NO_FIGURES, before: NO_FIGURES, spans: 0, span_errors: 0, logs: 0, log_errors: 0, points: 0, over_time };
      services.set(String(name), service);
    }
    const [p50 = null, p95 = null, p99 = null] = list_of(quantiles);
    if (number(is_whole) === 1) {
      const figures = { requests: number(requests), errors: number(errors), mean: or_null(mean), p50, p95, p99 };
      if (is_now === true) Object.assign(service, { now: figures, spans: number(spans), span_errors: number(span_errors), logs: number(logs), log_errors: number(log_errors) });
      else service.before = figures;
    } else if (is_now === true) {
      const at = number(step) - first;
      if (at < 0 || at >= times.length) continue;
      if (service.over_time.requests[at] !== null) {
        service.over_time.requests[at] = number(requests);
        service.over_time.errors[at] = number(errors);
      }
      service.over_time.p95[at] = p95;
    }
  }
  const length = (range.to_us - range.from_us) / 1e6;
  return { range, seconds: Math.max(1, (Math.min(range.to_us, now) - range.from_us) / 1e6), before_seconds: length, step_us, times, is_whole: true, answered_from: "raw", statement, services: [...services.values()] };
}
