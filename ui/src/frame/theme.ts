/* Light or dark: the system's, unless a person chose. */
import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const KEY = "monoscope.theme";
export const theme = signal<Theme>("system");
const tokens = new Map<string, string>(); /* as they are now: asking for one may have the page's styles made anew */

export function theme_begin(): void {
  const kept = localStorage.getItem(KEY);
  if (kept === "light" || kept === "dark") theme.value = kept;
  theme.subscribe((value) => {
    if (value === "system") {
      localStorage.removeItem(KEY);
      delete document.documentElement.dataset.theme;
    } else {
      localStorage.setItem(KEY, value);
      document.documentElement.dataset.theme = value;
    }
    tokens.clear();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => tokens.clear());
}
export function theme_next(): void {
  theme.value = theme.value === "system" ? "dark" : theme.value === "dark" ? "light" : "system";
}

/* What a canvas or a chart draws with: the value of a token as it is now. A token of two colours is one of them. */
export function token(name: string): string {
  const known = tokens.get(name);
  if (known !== undefined) return known;
  const value = token_read(name);
  if (value) tokens.set(name, value);
  return value;
}
function token_read(name: string): string {
  const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const both = /^light-dark\(([^,]+),\s*([^,]+)\)$/.exec(value);
  if (!both) return value;
  const is_dark = theme.value === "dark" || (theme.value === "system" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  return (both[is_dark ? 2 : 1] ?? "").trim();
}
