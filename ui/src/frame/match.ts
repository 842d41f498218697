/* Letters of `typed` in their order in `text`: smaller is better, -1 is none. At a word's start and in a row count most. */
export function match_score(text: string, typed: string): number {
  const in_text = text.toLowerCase();
  let at = 0;
  let score = 0;
  for (const letter of typed.toLowerCase().replace(/\s+/g, "")) {
    const found = in_text.indexOf(letter, at);
    if (found < 0) return -1;
    const is_start = found === 0 || /[\s./_-]/.test(in_text[found - 1] ?? "");
    score += found === at && at > 0 ? 0 : is_start ? 1 : 4 + Math.min(found - at, 8);
    at = found + 1;
  }
  return score + in_text.length / 100;
}
