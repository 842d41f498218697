/* The REST API under /api/v1: the only way of the UI to the server. Types: schema.d.ts, made from the server's OpenAPI document
 * (`npm run types`); names of routes and bodies are checked by it.
 *
 * A refusal is an ApiProblem (RFC 9457): words for a person, a code to act on. 401 means the session is over: the sign-in page
 * comes, and after it this address again.
 */
import type { components } from "./schema";
import { brought } from "./brought";
import { running } from "./running";

export type Schemas = components["schemas"];

export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly pointer = "",
    readonly retry_after_s = 0,
    readonly position = 0, /* in the statement: the character, from 1 */
  ) {
    super(detail);
  }
}

let csrf = "";
export function csrf_set(token: string): void {
  csrf = token;
}

export interface Call {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  yaml?: string; /* instead of it, where the server takes that */
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

const API = "/api/v1";
function url_of(path: string, query: Call["query"]): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined && value !== "") params.set(name, String(value));
  const text = params.toString();
  return `${API}${path}${text ? `?${text}` : ""}`;
}

async function problem_of(response: Response): Promise<ApiProblem> {
  let told: { detail?: string; title?: string; code?: string; pointer?: string; position?: number; hint?: string } = {};
  try {
    told = (await response.json()) as typeof told;
  } catch {
    /* not one of ours: a proxy's */
  }
  const words = told.detail ?? told.title ?? `the server answered ${response.status}`;
  const detail = told.hint ? `${words}; ${told.hint}` : words;
  return new ApiProblem(response.status, told.code ?? "", detail, told.pointer, Number(response.headers.get("retry-after") ?? 0), told.position);
}

export function sign_in(): void {
  window.location.assign(`/sign-in?to=${encodeURIComponent(window.location.pathname + window.location.search)}`);
}

/* What happens when the server knows the caller no more. */
let over = sign_in;
export function over_set(run: () => void): void {
  over = run;
}

/* The raw answer, for what is read in pieces. */
export async function fetch_api(path: string, call: Call = {}): Promise<Response> {
  const method = call.method ?? "GET";
  const url = url_of(path, call.query);
  const known = method === "GET" && !call.headers ? brought(url.slice(API.length)) : undefined;
  if (known) return new Response(JSON.stringify(known.body), { headers: { "content-type": "application/json", etag: known.tag } });
  const headers: Record<string, string> = { accept: "application/json", ...call.headers };
  if (call.body !== undefined) headers["content-type"] = "application/json";
  else if (call.yaml !== undefined) headers["content-type"] = "application/yaml";
  const sent = call.body !== undefined ? JSON.stringify(call.body) : call.yaml;
  if (method !== "GET") headers["x-csrf-token"] = csrf;
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers,
      credentials: "same-origin",
      ...(sent !== undefined ? { body: sent } : {}),
      ...(call.signal ? { signal: call.signal } : {}),
    });
  } catch (error) {
    if (call.signal?.aborted) throw error;
    throw new ApiProblem(0, "unreachable", "the server does not answer; is it running, and is the network there?");
  }
  if (response.ok) return response;
  if (response.status === 401) over();
  throw await problem_of(response);
}

export async function api<T>(path: string, call: Call = {}): Promise<T> {
  const response = await fetch_api(path, call);
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

export type QueryAnswer = Schemas["QueryAnswer"];
export type Cell = string | number | boolean | null | Cell[] | { [name: string]: Cell };
export type AnsweredFrom = QueryAnswer["answered_from"];
export interface Table {
  columns: { name: string; type: string }[];
  rows: Cell[][];
  is_cut: boolean;
  warnings: string[];
  duration_ms: number;
  files: { considered?: number; opened?: number };
  answered_from: AnsweredFrom;
}

interface QueryOptions {
  limit?: number;
  parameters?: Cell[];
  signal?: AbortSignal;
  what?: string;
  is_read_only?: boolean;
}
/* A statement that is on its way, and how many wait for it. */
interface Flight {
  answer: Promise<Table>;
  waiting: number;
  stop: () => void;
}
const flights = new Map<string, Flight>();

/* One SQL statement in a project; listed in `running` while it runs, where it can be cancelled. */
function fly(project: string, body: object, what: string): Flight {
  const end = new AbortController();
  const stop = () => end.abort();
  const entry = running.begin(what, stop);
  const answer = api<QueryAnswer>(`/projects/${encodeURIComponent(project)}/query`, { method: "POST", body, signal: end.signal })
    .then((told) => {
      if (told.error) throw new ApiProblem(500, told.error.code ?? "", told.error.detail ?? "the query broke off");
      return told as unknown as Table;
    })
    .finally(() => running.finish(entry));
  return { answer, waiting: 0, stop };
}

/* Two parts of a page that ask the same at once are answered by one statement; it ends when nobody waits for it any more. What may change
 * something is asked each time. */
export function query(project: string, sql: string, options: QueryOptions = {}): Promise<Table> {
  const { signal } = options;
  const body = { sql, limit: options.limit ?? 10000, ...(options.parameters ? { parameters: options.parameters } : {}), ...(options.is_read_only ? { read_only: true } : {}) };
  const key = /^\s*(select|with)\b/i.test(sql) ? JSON.stringify([project, body]) : undefined;
  if (signal?.aborted) return Promise.reject(new DOMException("aborted", "AbortError"));
  let flight = key === undefined ? undefined : flights.get(key);
  if (!flight) {
    const made = (flight = fly(project, body, options.what ?? "query"));
    if (key !== undefined) {
      flights.set(key, made);
      const forget = () => flights.get(key) === made && flights.delete(key);
      made.answer.then(forget, forget);
    }
  }
  const joined = flight;
  joined.waiting++;
  return new Promise<Table>((resolve, reject) => {
    const leave = () => {
      if (--joined.waiting === 0) {
        if (key !== undefined && flights.get(key) === joined) flights.delete(key);
        joined.stop();
      }
      reject(new DOMException("aborted", "AbortError"));
    };
    signal?.addEventListener("abort", leave, { once: true });
    joined.answer.then(resolve, reject).finally(() => signal?.removeEventListener("abort", leave));
  });
}
