/* Variables of a dashboard: their values are in the address as `var.NAME`, and stand as $NAME in what panels ask. Pure.
 *
 *   var.service=web    "service:$service kind:server" -> service:web kind:server       "... = $service" -> ... = 'web'
 *   var.service=*      any: the term goes out of a search, SQL gets NULL
 *
 * $from, $to and $step of SQL are the page's time, $environment is its environment, NULL where all are shown; a variable of that name counts
 * before it. What is a text, a name in quotes or a comment in SQL is left alone, as the server
 * does (web/api/dashboard_sql.c). */
import { split_terms, term } from "../explore/search";
import { quoted } from "../explore/fields";
import { to_iso, type Range } from "../time";
import type { Source, Variable } from "./load";

export type Values = Readonly<Record<string, string>>; /* "": any */
export const ANY = "*";
const NAME = /\$([a-z][a-z0-9_]{1,30})(?![a-zA-Z0-9_$])/g;

export function values_of(variables: readonly Variable[], query: URLSearchParams): Values {
  return Object.fromEntries(
    variables.map(({ name, default: first }) => {
      const told = query.get(`var.${name}`);
      return [name, told === null ? (first ?? "") : told === ANY ? "" : told];
    }),
  );
}
/* What stands in the address: nothing where it is what the variable begins with. */
export function address_value(variable: Variable, value: string): string | null {
  if (value === (variable.default ?? "")) return null;
  return value === "" ? ANY : value;
}

/* As a value of the search language. */
const search_value = (text: string) => term("", text).slice(1);

/* A term with a variable that is not set goes. */
export function fill_search(q: string, values: Values): string {
  const is_unset = (word: string) => [...word.matchAll(NAME)].some((found) => values[found[1] ?? ""] === "");
  return split_terms(q)
    .filter((word) => !is_unset(word))
    .map((word) =>
      word.replace(NAME, (whole, name: string, at: number) => {
        const value = values[name];
        if (value === undefined) return whole;
        const is_quoted = (word.slice(0, at).replace(/\\./g, "").match(/"/g) ?? []).length % 2 === 1;
        return is_quoted ? JSON.stringify(value).slice(1, -1) : search_value(value);
      }),
    )
    .join(" ");
}

/* Texts, names in quotes, comments, and what is between dollars: not to be looked into. */
const PASSED = /[eE]'(?:\\[\s\S]|[^'\\])*(?:'|$)|'[^']*(?:'|$)|"[^"]*(?:"|$)|--[^\n]*|\/\*|\$([a-z][a-z0-9_]{1,30})(?![a-zA-Z0-9_$\u0080-\uffff])/g;

export interface Page {
  range: Range;
  environment: string; /* empty: all */
}
export interface SqlPage extends Page {
  step_us: number;
}
export function fill_sql(sql: string, values: Values, page: SqlPage): string {
  return replaced(sql, (name) => {
    if (name === "from") return `timestamptz ${quoted(to_iso(page.range.from_us))}`;
    if (name === "to") return `timestamptz ${quoted(to_iso(page.range.to_us))}`;
    if (name === "step") return `interval ${quoted(`${page.step_us / 1e6} seconds`)}`;
    const value = values[name] ?? (name === "environment" ? page.environment : undefined);
    return value === undefined ? undefined : value === "" ? "NULL" : quoted(value);
  });
}
/* Of an environment that the page shows alone: is this panel of all of them all the same? What is asked otherwise always has the page's. */
export function is_of_all(source: Source, values: Values, environment: string): boolean {
  return environment !== "" && source.sql !== undefined && !(names_in(source.sql).has("environment") && values["environment"] === undefined);
}
/* Which names it has: is it of the page's time, of a variable? */
export function names_in(sql: string): Set<string> {
  const names = new Set<string>();
  replaced(sql, (name) => (names.add(name), undefined));
  return names;
}

function replaced(sql: string, value_of: (name: string) => string | undefined): string {
  let out = "";
  let at = 0;
  for (PASSED.lastIndex = 0; ; ) {
    const found = PASSED.exec(sql);
    if (!found) return out + sql.slice(at);
    const begin = found.index;
    let end = PASSED.lastIndex;
    if (found[0] === "/*") end = comment_end(sql, begin);
    const before = sql[begin - 1] ?? "";
    const is_inside = /[a-zA-Z0-9_$\u0080-\uffff]/.test(before); /* of a longer word: no variable, no E before a text */
    const value = found[1] !== undefined && !is_inside ? value_of(found[1]) : undefined;
    if (is_inside && /^[eE]'/.test(found[0])) end = begin + 1;
    out += sql.slice(at, begin) + (value ?? sql.slice(begin, end));
    at = PASSED.lastIndex = end;
  }
}
function comment_end(sql: string, begin: number): number {
  let depth = 0;
  for (let at = begin; at < sql.length; at++) {
    const two = sql.slice(at, at + 2);
    if (two !== "/*" && two !== "*/") continue;
    depth += two === "/*" ? 1 : -1;
    at++;
    if (depth === 0) return at + 1;
  }
  return sql.length;
}
