/* What a page says to start(), checked. */
import type { MaskOptions } from "./mask";
import type { ConsoleLevel } from "./replay_told";

export interface ReplayOptions extends MaskOptions {
  /* The share of sessions that is recorded whole: 1. */
  sample?: number;
  /* Of the others, one to two minutes before an error and all from then on: true. */
  onErrorOnly?: boolean;
  /* What of the console: warn and error. */
  console?: readonly ConsoleLevel[];
  /* Requests whose bodies are recorded, where they are text: none. */
  bodies?: readonly (string | RegExp)[];
  /* More changes of the document than that, for long: the recording waits. 1000. */
  mutationsPerSecond?: number;
}

export interface Options {
  /* Where Monoscope takes OTLP/HTTP, without a path: "https://monoscope.example:4318". */
  endpoint: string;
  /* A browser key: `monoscope key create PROJECT NAME --browser https://shop.example`. */
  key: string;
  /* service.name of the page. */
  service: string;
  version?: string;
  environment?: string;
  /* More of the resource. */
  attributes?: Record<string, string | number | boolean>;
  /* Origins, addresses or patterns beside the page's own origin whose requests carry the trace on. */
  propagateTo?: readonly (string | RegExp)[];
  /* Names of query parameters whose values may be sent. */
  keepQuery?: readonly string[];
  /* Requests that are nobody's affair. */
  ignoreUrls?: readonly (string | RegExp)[];
  /* The share of sessions that is sent whole: 1. */
  sample?: number;
  /* Of the others, the last minute before an error and all from then on: true. */
  onErrorOnly?: boolean;
  /* false: nothing is kept or sent until consent(true). */
  consent?: boolean;
  /* Recording of what the page shows: false. true is {}. */
  replay?: boolean | ReplayOptions;
}

type Given = "propagateTo" | "keepQuery" | "ignoreUrls" | "sample" | "onErrorOnly" | "consent";
/* With what was left out. */
export type Settings = Omit<Options, "replay"> & Required<Pick<Options, Given>> & { replay: ReplayOptions & Required<Pick<ReplayOptions, "sample" | "onErrorOnly">> & { isOn: boolean } };

function share(name: string, given: number | undefined): number {
  const value = given ?? 1;
  if (!(value >= 0 && value <= 1)) throw new Error(`"${name}" is a share from 0 to 1, not ${String(value)}`);
  return value;
}

/* Throws an Error that says what is wrong. */
export function settings_of(options: Options): Settings {
  const text = (name: "endpoint" | "key" | "service") => {
    const value: unknown = options[name];
    if (typeof value !== "string" || value === "") throw new Error(`"${name}" is missing`);
    return value;
  };
  const endpoint = new URL(text("endpoint"));
  if (!/^https?:$/.test(endpoint.protocol)) throw new Error(`"endpoint" must be an address that begins with https://, not ${endpoint.protocol}`);
  const replay = typeof options.replay === "object" ? options.replay : {};
  return {
    ...options,
    endpoint: (endpoint.origin + endpoint.pathname).replace(/\/+$/, ""),
    key: text("key"), service: text("service"), sample: share("sample", options.sample),
    propagateTo: options.propagateTo ?? [], keepQuery: options.keepQuery ?? [], ignoreUrls: options.ignoreUrls ?? [],
    onErrorOnly: options.onErrorOnly ?? true, consent: options.consent ?? true,
    replay: { ...replay, isOn: !!options.replay, sample: share("replay.sample", replay.sample), onErrorOnly: replay.onErrorOnly ?? true },
  };
}
