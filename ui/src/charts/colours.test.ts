import { expect, it } from "vitest";
import { looks_of, places_of } from "./colours";

const series = (...names: string[]) => names.map((name) => ({ name, is_rest: false }));
it("a name looks the same whatever order it comes in, and seven are apart", () => {
  const names = ["web", "checkout", "payments", "stock", "mail", "cart", "search"];
  const first = places_of(names, new Map());
  expect(places_of([...names].reverse(), new Map())).toEqual(first);
  expect(new Set(first.values()).size).toBe(7);
  const looks = looks_of(series("payments", "web"), "service.name");
  expect(looks[0]).toEqual(looks_of(series("payments"), "service.name")[0]);
});
it("levels have their own, the rest and the nameless are grey, and a service that is called error is a service", () => {
  expect(looks_of([...series("ERROR", "none"), { name: "others (3)", is_rest: true }], "level").map((look) => look.token)).toEqual(["--level-error", "--series-7", "--series-7"]);
  expect(looks_of(series("error"), "service.name")[0]?.token).toMatch(/^--series-/);
});
it("of more names than colours those that are known keep theirs, though two look alike", () => {
  const known = new Map<string, number>();
  const alone = Array.from({ length: 10 }, (_, at) => `s${at}`).map((name) => [name, places_of([name], known).get(name)] as const);
  expect(new Set(alone.map(([, place]) => place)).size).toBeLessThan(7); /* else nothing is seen here */
  expect([...places_of(alone.map(([name]) => name), known)].sort()).toEqual(alone);
});
it("a name keeps what it got, though it stands among others now", () => {
  const known = new Map<string, number>();
  const first = places_of(["a", "b", "c", "d", "e"], known);
  const second = places_of(["0", "1", "2", "e", "d"], known);
  expect([second.get("d"), second.get("e")]).toEqual([first.get("d"), first.get("e")]);
  expect(new Set(second.values()).size).toBe(5);
});
