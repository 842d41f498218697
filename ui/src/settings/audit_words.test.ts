import { expect, it } from "vitest";
import { details_words } from "./audit_words";

it("details of the audit log have words, without what is not there", () => {
  expect(details_words({ scopes: "ingest", expires_at: null, value: 5, list: ["a"] })).toBe('scopes ingest, value 5, list ["a"]');
  expect(details_words({})).toBe("");
});
