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
it("shows it as a part when the whole takes a while", async () => {
  const shown: unknown[] = [];
  const asked: number[] = [];
  let answer = (_: { from_us: number }) => {};
  const read = ({ range: { from_us } }: { range: { from_us: number } }) => {
    asked.push(from_us);
    return from_us === 0 ? new Promise<{ from_us: number }>((resolve) => (answer = resolve)) : Promise.resolve({ from_us });
  };
  const whole = newest_first(scope, "a->>'b'", hour, read, (part) => shown.push(part), 10);
  await new Promise((resolve) => setTimeout(resolve, 50));
  answer({ from_us: 0 });
  expect(await whole).toEqual({ from_us: 0 });
  expect(asked).toEqual([0, 21 * hour]);
  expect(shown).toEqual([{ from_us: 21 * hour, so_far_us: 21 * hour }]);
});
it("asks for the whole alone when that comes soon, or is asked otherwise", async () => {
  const shown: unknown[] = [];
  const asked: number[] = [];
  const read = ({ range: { from_us } }: { range: { from_us: number } }) => {
    asked.push(from_us);
    return Promise.resolve({ from_us });
  };
  expect(await newest_first(scope, "a->>'b'", hour, read, (part) => shown.push(part))).toEqual({ from_us: 0 });
  expect(await newest_first(scope, "level", hour, read, (part) => shown.push(part))).toEqual({ from_us: 0 });
  expect(asked).toEqual([0, 0]);
  expect(shown).toEqual([]);
});
it("tells what is wrong with the whole", async () => {
  const read = () => Promise.reject(new Error("no"));
  await expect(newest_first(scope, "a->>'b'", hour, read, () => {})).rejects.toThrow("no");
});
