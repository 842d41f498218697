/* What the page came with: answers of the API that it would ask for first, as src/web/api/page_app.c put them into it. Each is taken
 * once, and soon: what is asked for later is asked of the server. */
interface Brought {
  tag: string; /* its ETag */
  body: unknown;
}
const SOON_MS = 10000;

let answers: Record<string, Brought> | undefined;

function read(): Record<string, Brought> {
  const text = document.getElementById("brought")?.textContent;
  return text ? (JSON.parse(text) as Record<string, Brought>) : {};
}

/* key: "/users/me": below /api/v1, with its query. */
export function brought(key: string): Brought | undefined {
  if (performance.now() > SOON_MS) return undefined;
  answers ??= read();
  const found = answers[key];
  delete answers[key];
  return found;
}
