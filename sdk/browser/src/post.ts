/* A request to Monoscope: of telemetry (send.ts) and of recordings (replay_send.ts). */
const WAIT_MAX_MS = 60_000;

export interface Server {
  endpoint: string;
  key: string;
  fetch: typeof fetch; /* the browser's own, before anybody watches it */
}

export interface Posted {
  body: BodyInit;
  bytes: number;
  headers: Record<string, string>;
}

export function post(server: Server, path: string, body: BodyInit, headers: Record<string, string>, more: RequestInit): Promise<Response> {
  return server.fetch(server.endpoint + path, {
    method: "POST",
    mode: "cors",
    credentials: "omit",
    referrerPolicy: "no-referrer",
    headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json", ...headers },
    body,
    ...more,
  });
}

/* In how many milliseconds to try again after that many failures; undefined: never, it would be refused again. No answer: offline, or
 * the server is away, or it does not name this page's origin. */
export function wait_of(answer: Response | undefined, failures: number): number | undefined {
  if (answer && answer.status !== 429 && answer.status < 502) return undefined;
  const back_off_ms = Math.min(WAIT_MAX_MS, 1000 * 2 ** Math.min(failures, 6)) * (0.5 + Math.random() / 2);
  return Math.max(back_off_ms, 1000 * Math.min(3600, Number(answer?.headers.get("retry-after")) || 0));
}

export async function compressed(text: string): Promise<Posted> {
  if (text.length < 512 || typeof CompressionStream === "undefined") return { body: text, bytes: new TextEncoder().encode(text).length, headers: {} };
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const body = await new Response(stream).arrayBuffer();
  return { body, bytes: body.byteLength, headers: { "content-encoding": "gzip" } };
}
