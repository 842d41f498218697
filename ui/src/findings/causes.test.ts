import { describe, expect, it } from "vitest";
import { show_score, ways_of, type Cause, type Causes } from "./causes";

const cause: Cause = {
  place: "payments", kind: "service", trouble: "errors", score: 0.82, since: null, release: null,
  attribute: { name: "host.name", value: "p-3", in: 0.9, out: 0.1 }, issue: { number: 7, title: "Timeout" }, evidence: [],
};
const causes: Causes = { from: "2026-11-28T09:30:00Z", since: "2026-11-28T10:00:00Z", to: "2026-11-28T10:10:00Z", causes: [cause] };

describe("causes", () => {
  it("lead to their service, issue, rows, and to what is different since then", () => {
    const ways = ways_of(cause, causes);
    expect(ways.map((way) => way.path)).toEqual(["services/payments", "issues/7", "explore", "explore", "explore", "explore"]);
    expect(ways[2]?.query).toEqual({ from: causes.since, to: "2026-11-28T10:10:00.000Z", q: "service:payments kind:server status:error" });
    expect(ways[3]?.query).toEqual({ from: causes.from, to: causes.since, q: "service:payments kind:server status:error" });
    expect(ways[4]?.query.q).toBe("service:payments host.name:p-3");
    expect(ways[5]?.query).toMatchObject({ viz: "difference", sel: "1795860000000000~1795860600000000" });
  });
  it("of what sends nothing lead to the map", () => {
    expect(ways_of({ ...cause, kind: "database", place: "postgresql/shop", issue: null }, causes).map((way) => way.path)).toEqual(["services/map"]);
  });
  it("show their part of all", () => {
    expect([show_score(0.824), show_score(0.004), show_score(1)]).toEqual(["82%", "<1%", "100%"]);
  });
});
