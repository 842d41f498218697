/* The search text, translated by the server into an SQL condition: POST /projects/{project}/search/translate. Answers are kept
 * for the page's life; the language is described in docs/search.md. */
import { brought } from "../api/brought";
import { api } from "../api/client";

export interface SearchProblem {
  from: number;
  to: number;
  text: string;
}
export interface Translated {
  where: string;
  problems: SearchProblem[];
}

const kept = new Map<string, Translated>();

export async function translate(project: string, q: string, signal?: AbortSignal): Promise<Translated> {
  if (!q.trim()) return { where: "", problems: [] };
  const found = kept.get(q);
  if (found) return found;
  const path = `/projects/${encodeURIComponent(project)}/search/translate`;
  const answer = (brought(`${path}?q=${q}`)?.body as Translated | undefined) ?? (await api<Translated>(path, { method: "POST", body: { q }, signal }));
  if (kept.size > 500) kept.clear();
  kept.set(q, answer);
  return answer;
}

/* A term of the language: service:checkout, "two words" quoted where they must be. */
export function term(field: string, value: string, is_excluded = false): string {
  const plain = /^[A-Za-z0-9_./@-][A-Za-z0-9_./@:+-]*$/.test(value) && !/^(OR|AND|NOT)$/i.test(value);
  return `${is_excluded ? "-" : ""}${field}:${plain ? value : JSON.stringify(value)}`;
}
/* Adds a term, or takes it away when it stands there already; its opposite goes. */
export function with_term(q: string, field: string, value: string, is_excluded = false): string {
  const wanted = term(field, value, is_excluded);
  const opposite = term(field, value, !is_excluded);
  const words = split_terms(q).filter((word) => word !== opposite);
  const without = words.filter((word) => word !== wanted);
  return (without.length < words.length ? without : [...words, wanted]).join(" ");
}
/* Words of the text, quotes and brackets kept together. */
export function split_terms(q: string): string[] {
  const words: string[] = [];
  let word = "";
  let depth = 0;
  let is_quoted = false;
  for (let at = 0; at < q.length; at++) {
    const letter = q[at] ?? "";
    if (is_quoted && letter === "\\") {
      word += letter + (q[++at] ?? "");
      continue;
    }
    if (letter === '"') is_quoted = !is_quoted;
    if (!is_quoted && letter === "(") depth++;
    if (!is_quoted && letter === ")") depth--;
    if (letter === " " && !is_quoted && depth <= 0) {
      if (word) words.push(word);
      word = "";
    } else word += letter;
  }
  if (word) words.push(word);
  return words;
}
