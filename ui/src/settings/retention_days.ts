/* How long rows are kept, and which of them a number of days would drop. Pure. */
const DAY_US = 86400e6;

/* Whole UTC days go, each once all of its rows are older: rows before this time are dropped. NaN days or 0: none. */
export function dropped_before_us(days: number, now_us: number): number | undefined {
  if (!Number.isInteger(days) || days <= 0) return undefined;
  return Math.floor(now_us / DAY_US) * DAY_US - days * DAY_US;
}
/* "", "30" -> 30; what is no whole number from 0 on: undefined. Empty is for ever. */
export function days_of(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return 0;
  return /^\d{1,5}$/.test(trimmed) && Number(trimmed) <= 36500 ? Number(trimmed) : undefined;
}
export function days_words(days: number): string {
  return days === 0 ? "for ever" : days === 1 ? "1 day" : `${days} days`;
}
export const TABLE_WORDS: Record<string, string> = { otel_logs_and_spans: "Logs and spans", otel_metrics: "Metrics" };
