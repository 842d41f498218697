import { expect, it } from "vitest";
import { match_score } from "./match";

it("finds letters in their order, words' starts first", () => {
  expect(match_score("Go to Explorer", "zz")).toBe(-1);
  expect(match_score("Go to Explorer", "gte")).toBeGreaterThanOrEqual(0);
  expect(match_score("Go to Explorer", "exp")).toBeLessThan(match_score("Last 15 minutes: next page", "exp"));
  expect(match_score("Project shop", "shop")).toBeLessThan(match_score("Shortcuts help of projects", "shop"));
});
