/* What people type for short: the server's own list, taken in when the UI is built. */
import lines from "../../../src/search/search_names.inc?raw";

/* "status" is the span's, unless a number follows: search_parse.c. */
export const SHORT: Record<string, string> = { ...Object.fromEntries([...lines.matchAll(/^N\("([^"]+)", "([^"]+)"\)$/gm)].map((found) => [found[1] ?? "", found[2] ?? ""])), status: "status_code" };
