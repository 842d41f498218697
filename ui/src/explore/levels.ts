/* Levels have their colours; other series take the eight in their order. */
export const LEVELS = ["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"];
export function level_colour(series: string, at: number): string {
  const level = series.toLowerCase();
  return LEVELS.includes(series.toUpperCase()) ? `--level-${level}` : series === "" ? "--series-7" : `--series-${at % 7}`;
}
export function series_colour(series: string, at: number): string {
  return series === "others" || series === "" ? "--series-7" : `--series-${at % 7}`;
}
