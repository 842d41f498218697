import { expect, it } from "vitest";
import { newest_first, newest_part } from "./newest";

const hour = 3600e6;
const scope = { where: "x", range: { from_us: 0, to_us: 24 * hour } };
it("asks the newest whole bars of what reads each row's JSON first", () => {
  expect(newest_part(scope, "attributes->>'a'", hour / 4)).toEqual({ where: "x", range: { from_us: 21 * hour, to_us: 24 * hour } });
  expect(newest_part({ ...scope, range: { from_us: 100, to_us: 24 * hour + 100 } }, "attributes->>'a'", hour)?.range.from_us).toBe(21 * hour);
  expect(newest_part(scope, "level", hour)).toBeUndefined();
  expect(newest_part({ ...scope, range: { from_us: 0, to_us: hour } }, "a->>'b'", 60e6)).toBeUndefined();
});
it("shows it as a part, and gives the whole", async () => {
  const shown: unknown[] = [];
  const read = (part: { range: { from_us: number } }) => Promise.resolve({ from_us: part.range.from_us });
  expect(await newest_first(scope, "a->>'b'", hour, read, (part) => shown.push(part))).toEqual({ from_us: 0 });
  expect(shown).toEqual([{ from_us: 21 * hour, so_far_us: 21 * hour }]);
  expect(await newest_first(scope, "level", hour, read, (part) => shown.push(part))).toEqual({ from_us: 0 });
  expect(shown).toHaveLength(1);
});
