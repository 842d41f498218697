import { expect, it } from "vitest";
import { ago, one_unit } from "./ago";

it("times are told from now, before and after it", () => {
  const now = Date.parse("2026-11-28T12:00:00Z") * 1e3;
  expect(ago(null, now)).toBe("never");
  expect(ago("2026-11-28T11:59:59Z", now)).toBe("just now");
  expect(ago("2026-11-28T11:15:30Z", now)).toBe("44 min ago");
  expect(ago("2026-12-28T12:00:00Z", now)).toBe("in 30 d");
  expect([one_unit(7.4e6), one_unit(7200e6), one_unit(86400e6), one_unit(200000e6)]).toEqual(["7 s", "2 h", "24 h", "2 d"]);
});
