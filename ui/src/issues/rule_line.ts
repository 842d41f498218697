/* Where in the rules a mistake is: the server says "line 3: ...". Pure. */
export interface RuleLine {
  line: number; /* from 1 */
  text: string;
  begin: number; /* in the rules */
  end: number;
}
export function line_of(problem: string, rules: string): RuleLine | undefined {
  const line = Number(/\bline (\d+)/.exec(problem)?.[1] ?? 0);
  const lines = rules.split("\n");
  const text = lines[line - 1];
  if (text === undefined) return undefined;
  const begin = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return { line, text, begin, end: begin + text.length };
}
