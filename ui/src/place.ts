/* Where in a statement something is wrong. The server counts characters as Unicode does, from 1; texts of this language are
 * counted in UTF-16: a letter outside its first plane is two.
 */
export interface Place {
  at: number; /* in the text */
  end: number; /* of the word that is there */
  line: number; /* from 1 */
  column: number; /* from 1, in characters */
}

export function place_of(text: string, position: number): Place | undefined {
  if (position < 1) return undefined;
  const at = index_of(text, position - 1);
  const word = /^(?:[\p{L}\p{N}_.$]+|'[^']*'|"[^"]*"|\s*\S)/u.exec(text.slice(at))?.[0] ?? "";
  const before = text.slice(0, at);
  const line_begin = before.lastIndexOf("\n") + 1;
  return { at, end: at + word.length, line: before.split("\n").length, column: [...before.slice(line_begin)].length + 1 };
}

/* Of the character after `count` of them; the end of the text when there are fewer. */
export function index_of(text: string, count: number): number {
  let at = 0;
  for (let left = count; left > 0 && at < text.length; left--) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}
