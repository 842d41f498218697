/* Words of redaction rules, and what is tried. Pure. */
import type { Schemas } from "../api/client";
import type { GivenRole } from "./access";

export type Rule = Schemas["RedactionRule"];
export type Draft = Pick<Rule, "name" | "finds" | "pattern" | "does">;

export const FINDS: Record<Rule["finds"], { word: string; text: string; label: string; hint: string; example: string }> = {
  built_in: { word: "what is known:", text: "what is known: passwords, tokens, card numbers, mail addresses", label: "Which", hint: "", example: "" },
  attribute: {
    word: "the attribute",
    text: "attributes by their name",
    label: "Name",
    hint: "* stands for anything, in any case: user.email, http.request.header.*",
    example: "user.email",
  },
  element: { word: "in recordings", text: "elements of pages, in recordings", label: "Selector", hint: "A tag, .class, #id, [name], [name=value], one after the other: what such an element and all below it show or hold goes.", example: "input.card[name=number]" },
  value: { word: "texts like", text: "texts by a regular expression", label: "Expression", hint: "RE2's syntax, in every text that is sent; (?i) for any case.", example: "ORD-[0-9]{8}" },
};
export const BUILT_IN: readonly { name: string; text: string }[] = [
  { name: "credentials", text: "values after password, secret, token, authorization, cookie ..." },
  { name: "tokens", text: "JSON web tokens, private keys, keys of well-known services" },
  { name: "cards", text: "card numbers" },
  { name: "emails", text: "mail addresses" },
];
export const DOES: Record<Rule["does"], string> = {
  mask: "[redacted] stands there",
  hash: "a keyed hash stands there: equal values stay equal and can be counted, and nobody can find the value by trying",
  drop: "it goes: the attribute, or the text that was found",
};

/* From which role on recordings are shown with what pages left unmasked. */
export const UNMASKED: Record<GivenRole, string> = {
  viewer: "everyone who may read the project",
  editor: "editors and above",
  admin: "admins and owners",
  owner: "owners alone",
};

/* "a=b" a line; a line without "=" is a name without a value. */
export function attributes_of(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [line.trim(), ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    }),
  );
}
/* Those that are on, in their order; what the form has counts in its rule's place, or as the last. */
export function rules_tried(rules: readonly Rule[], draft: Draft | undefined, changed_id: string | undefined): Schemas["RedactionRuleCreate"][] {
  const is_whole = draft !== undefined && draft.name.trim() !== "" && draft.pattern !== "";
  const of = (rule: Draft, is_on: boolean) => ({ name: rule.name, finds: rule.finds, pattern: rule.pattern, does: rule.does, is_on });
  const all = rules.map((rule) => (is_whole && rule.id === changed_id ? of(draft, rule.is_on) : of(rule, rule.is_on)));
  return is_whole && changed_id === undefined ? [...all, of(draft, true)] : all;
}
