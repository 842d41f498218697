/* Requests, errors and durations over time. Dragging chooses a time; a release that came in it is a mark. */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { Look } from "../charts/colours";
import type { TimeMark } from "../charts/draw";
import { Legend } from "../charts/legend";
import type { TimeSeries } from "../charts/series";
import { TimeChart } from "../charts/time_chart";
import { range_zoom } from "../frame/range";
import { now_us } from "../time";
import { change, param } from "../url";
import { errors_chart, latency_chart, QUANTILES, quantiles_read, quantiles_turn, rate_chart, type Quantile, type Steps } from "./page_shape";
import type { Figures } from "./services";
import type { What } from "./statement";

const HEIGHT = 170;
const SUCCEEDED: Look = { token: "--series-0", pattern: 0 };
const FAILED: Look = { token: "--level-error", pattern: 1 };
const LOOKS: Readonly<Record<Quantile, Look>> = { p50: { token: "--series-2", pattern: 0 }, p95: { token: "--series-1", pattern: 1 }, p99: { token: "--series-3", pattern: 2 } };

interface ChartsProps {
  name: string;
  what: What;
  steps: Steps | undefined;
  totals: Figures;
  marks: readonly TimeMark[];
}
export function Charts({ name, what, steps, totals, marks }: ChartsProps) {
  const quantiles = quantiles_read(param("quantiles"));
  const rates = useMemo(() => steps && rate_chart(steps, now_us()), [steps]);
  const errors = useMemo(() => steps && errors_chart(steps), [steps]);
  const latency = useMemo(() => steps && latency_chart(steps, totals, quantiles), [steps, totals, quantiles.join()]);
  return (
    <div class="service-charts">
      <One title={what === "request" ? "Requests" : "Spans"} label={`${what === "request" ? "Requests" : "Spans"} of ${name}`} data={rates} looks={[SUCCEEDED, FAILED]} shape="bars" marks={marks} />
      <One title="Errors" label={`Share of ${what}s of ${name} that failed`} data={errors} looks={[{ ...FAILED, pattern: 0 }]} shape="line" marks={marks} />
      <One title="Durations" label={`Durations of ${what}s of ${name}`} data={latency} looks={quantiles.map((one) => LOOKS[one])} shape="line" marks={marks}>
        <span class="row" role="group" aria-label="Quantiles">
          {QUANTILES.map((one) => (
            <button key={one} class="quantile" aria-pressed={quantiles.includes(one)} onClick={() => change({ quantiles: quantiles_turn(quantiles, one) || null }, true)}>
              {one}
            </button>
          ))}
        </span>
      </One>
    </div>
  );
}

interface OneProps {
  title: string;
  label: string;
  data: TimeSeries | undefined;
  looks: readonly Look[];
  shape: "bars" | "line";
  marks: readonly TimeMark[];
  children?: ComponentChildren;
}
function One({ title, label, data, looks, shape, marks, children }: OneProps) {
  return (
    <section class="service-chart" aria-label={title}>
      <div class="row">
        <h2>{title}</h2>
        <span class="grow" />
        {children}
      </div>
      {data ? (
        <>
          <TimeChart label={label} data={data} looks={looks} shape={shape} height={HEIGHT} marks={marks} onZoom={range_zoom} />
          <Legend data={data} looks={looks} is_line={shape === "line"} />
        </>
      ) : (
        <div style={{ height: `${HEIGHT}px` }} />
      )}
    </section>
  );
}
