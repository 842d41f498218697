import { expect, it as test } from "vitest";
import { body_of, draft_of, is_whole, KINDS, NEW_CHANNEL, route_words, type Channel, type ChannelDraft } from "./channel_kinds";

const mail: ChannelDraft = { ...NEW_CHANNEL, name: " ops ", values: { to: "a@x.com, b@x.com", password: "p" }, services: "shop-* cart" };

test("a form becomes what the API takes", () => {
  expect(body_of(mail, true)).toEqual({ kind: "email", name: "ops", settings: { to: ["a@x.com", "b@x.com"] }, secrets: { password: "p" }, routes: [{ severity: "critical", services: ["shop-*", "cart"] }] });
});

test("secrets that are not filled in are not said", () => {
  expect(body_of({ ...mail, values: { to: "a@x.com", password: "" } }, false)).not.toHaveProperty("secrets");
});

test("nothing by itself is an empty list; routes of others stay", () => {
  expect(body_of({ ...mail, severity: "" }, true)["routes"]).toEqual([]);
  expect(body_of(mail, false, false)).not.toHaveProperty("routes");
});

test("what is there becomes a form and back", () => {
  const channel = { kind: "slack_token", name: "s", settings: { channel: "C1", api_url: "https://x.example" }, routes: [{ severity: "warning", services: ["a", "b"] }] } as unknown as Channel;
  const draft = draft_of(channel);
  expect(body_of(draft, false)).toEqual({ name: "s", settings: { channel: "C1", api_url: "https://x.example" }, routes: [{ severity: "warning", services: ["a", "b"] }] });
});

test("what is needed must be there, a secret once", () => {
  const slack: ChannelDraft = { ...NEW_CHANNEL, kind: "slack", name: "s" };
  expect(is_whole(slack, true)).toBe(false);
  expect(is_whole(slack, false)).toBe(true);
  expect(is_whole({ ...slack, values: { url: "https://x" } }, true)).toBe(true);
  expect(Object.values(KINDS).every((kind) => kind.fields.some((field) => field.is_needed))).toBe(true);
});

test("routes in words", () => {
  expect(route_words([])).toBe("only what names it");
  expect(route_words([{ severity: "warning", services: ["shop-*"] }, { severity: "critical", environments: ["prod"] }])).toBe("warning or worse of shop-*; critical in prod");
});
