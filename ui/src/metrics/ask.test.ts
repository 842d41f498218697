import { expect, it, vi } from "vitest";

vi.stubGlobal("window", { location: { pathname: "/", search: "" }, addEventListener: () => undefined });
const { asked_read, in_environment, panel_of, quantile_turn, queries_of } = await import("./ask");

const histogram = { type: "histogram", is_monotonic: false, temporality: "delta" };
const counter = { type: "sum", is_monotonic: true, temporality: "cumulative" };
const range = { from_us: 0, to_us: 3600e6 };

it("an address without anything asks what is usual of the type", () => {
  expect(asked_read(new URLSearchParams(), histogram)).toMatchObject({ aggregate: "quantile", quantiles: [0.5, 0.95, 0.99], step_s: 0 });
  expect(asked_read(new URLSearchParams("agg=quantile&step=-3"), counter)).toMatchObject({ aggregate: "rate", step_s: 0 });
  expect(asked_read(new URLSearchParams("by=service,route&p=50,99"), histogram)).toMatchObject({ by: ["service", "route"], quantiles: [0.5] });
});

it("quantiles of a histogram are one query, those of a summary one each, a rate is one", () => {
  const quantiles = asked_read(new URLSearchParams("p=50,99.9"), histogram);
  expect(queries_of({ name: "m", type: "histogram" }, quantiles, range, "").map((one) => one.quantiles)).toEqual([[0.5, 0.999]]);
  expect(queries_of({ name: "m", type: "summary" }, quantiles, range, "").map((one) => one.quantile)).toEqual([0.5, 0.999]);
  expect(queries_of({ name: "m", type: "sum" }, asked_read(new URLSearchParams("q=a:b%20OR%20c:d&step=60"), counter), range, "prod")).toEqual([
    { name: "m", from: "1970-01-01T00:00:00.000Z", to: "1970-01-01T01:00:00.000Z", search: "deployment.environment.name:prod (a:b OR c:d)", by: [], aggregate: "rate", limit: 20, step_s: 60 },
  ]);
  expect(in_environment("  ", "")).toBe("");
});

it("quantiles are turned on and off, one stays", () => {
  const asked = asked_read(new URLSearchParams("p=50"), histogram);
  expect(quantile_turn(asked, 0.95)).toEqual({ p: "50,95" });
  expect(quantile_turn(asked, 0.5)).toEqual({ p: "50" });
  expect(quantile_turn(asked_read(new URLSearchParams("by=service"), histogram), 0.999)).toEqual({ p: "99.9" });
});

it("a panel of a dashboard asks the same", () => {
  expect(panel_of("m", asked_read(new URLSearchParams("q=a:b&by=service"), counter), "rate of m").source).toEqual({ metric: { name: "m", aggregate: "rate", search: "a:b", by: ["service"] } });
  expect(panel_of("m", asked_read(new URLSearchParams("p=50,99"), histogram), "t").source.metric?.quantile).toBe(0.5);
});
