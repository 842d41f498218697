/* What each kind of channel asks for. Pure. */
import type { Schemas } from "../api/client";

export type Channel = Schemas["Channel"];
export type Kind = Channel["kind"];
export type Route = Schemas["ChannelRoute"];
export interface KindField {
  name: string;
  label: string;
  hint?: string;
  place?: string; /* what stands in it while it is empty */
  is_secret?: boolean;
  is_needed?: boolean;
  is_long?: boolean;
  is_back?: boolean; /* signs what comes back to the channel's inbound_url */
  choices?: readonly { value: string; text: string }[];
}
export interface KindWords {
  title: string;
  fields: readonly KindField[];
}

const SIGNING: KindField = { name: "signing_secret", label: "Signing secret", hint: "Of the Slack app: messages then have buttons that acknowledge and resolve.", is_secret: true, is_back: true };

export const KINDS: Record<Kind, KindWords> = {
  email: {
    title: "E-mail",
    fields: [
      { name: "to", label: "To", hint: "Addresses with blanks or commas between.", place: "ops@example.com", is_needed: true },
      { name: "from", label: "From", hint: "None: the operator's." },
      { name: "server", label: "Server", hint: "smtp://host:587 with STARTTLS, smtps://host:465. None: the operator's.", place: "smtp://mail.example.com:587" },
      { name: "user", label: "User there" },
      { name: "password", label: "Password there", is_secret: true },
      { name: "tls", label: "Without TLS", choices: [{ value: "", text: "never send" }, { value: "none", text: "send all the same" }] },
    ],
  },
  slack: {
    title: "Slack: incoming webhook",
    fields: [{ name: "url", label: "Webhook URL", hint: "From Slack's \"Incoming Webhooks\". Who has it can write there.", place: "https://hooks.slack.com/services/...", is_secret: true, is_needed: true }, SIGNING],
  },
  slack_token: {
    title: "Slack: app with threads",
    fields: [
      { name: "token", label: "Bot token", hint: "With the scope chat:write.", place: "xoxb-...", is_secret: true, is_needed: true },
      { name: "channel", label: "Channel", hint: "Its id; the app must be in it.", place: "C0123456789", is_needed: true },
      SIGNING,
    ],
  },
  discord: { title: "Discord", fields: [{ name: "url", label: "Webhook URL", hint: "From the channel's integrations.", place: "https://discord.com/api/webhooks/...", is_secret: true, is_needed: true }] },
  pagerduty: {
    title: "PagerDuty",
    fields: [
      { name: "routing_key", label: "Integration key", hint: "Of an Events API v2 integration of the service.", is_secret: true, is_needed: true },
      { name: "webhook_secret", label: "Secret of its webhook", hint: "Of a webhook (V3) there: what is acknowledged and resolved there is so here.", is_secret: true, is_back: true },
      { name: "api_url", label: "Server", hint: "None: events.pagerduty.com.", place: "https://events.eu.pagerduty.com" },
    ],
  },
  webhook: {
    title: "Webhook",
    fields: [
      { name: "url", label: "URL", place: "https://example.com/hook", is_needed: true },
      { name: "secret", label: "Secret", hint: "Signs each request as standardwebhooks.com has it.", is_secret: true },
      { name: "authorization", label: "Authorization header", place: "Bearer ...", is_secret: true },
      { name: "template", label: "Body", hint: "None: all of it as JSON. Else text with {{title}}, {{text}}, {{severity}}, {{act}}, {{url}}, {{incident}}, {{project}}, {{time}}.", is_long: true },
      { name: "content_type", label: "Content type", place: "application/json" },
      { name: "floods", label: "More than ten in ten minutes", choices: [{ value: "", text: "each" }, { value: "digest", text: "in one message" }] },
    ],
  },
};
export const KIND_NAMES = Object.keys(KINDS) as readonly Kind[];

export interface ChannelDraft {
  kind: Kind;
  name: string;
  values: Record<string, string>;
  severity: "" | "info" | "warning" | "critical"; /* "": nothing comes by itself */
  services: string;
  environments: string;
}
export const NEW_CHANNEL: ChannelDraft = { kind: "email", name: "", values: {}, severity: "critical", services: "", environments: "" };

const words = (text: string) => text.split(/[\s,]+/).filter(Boolean);

export function draft_of(channel: Channel): ChannelDraft {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(channel.settings)) values[name] = Array.isArray(value) ? value.join(", ") : String(value);
  const route = channel.routes[0];
  return { kind: channel.kind, name: channel.name, values, severity: route?.severity ?? "", services: (route?.services ?? []).join(", "), environments: (route?.environments ?? []).join(", ") };
}

export function routes_of(draft: ChannelDraft): Route[] {
  if (draft.severity === "") return [];
  const services = words(draft.services);
  const environments = words(draft.environments);
  return [{ severity: draft.severity, ...(services.length > 0 ? { services } : {}), ...(environments.length > 0 ? { environments } : {}) }];
}

/* What is sent. Secrets that are not filled in are not said: those that are there stay. Several routes were made by the API: the form
 * shows the first of them, and leaves them alone while it is not changed (is_routed false). */
export function body_of(draft: ChannelDraft, is_new: boolean, is_routed = true): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  const secrets: Record<string, string> = {};
  for (const field of KINDS[draft.kind].fields) {
    const value = (draft.values[field.name] ?? "").trim();
    if (value === "") continue;
    if (field.is_secret) secrets[field.name] = value;
    else settings[field.name] = field.name === "to" ? words(value) : value;
  }
  return {
    ...(is_new ? { kind: draft.kind } : {}),
    name: draft.name.trim(),
    settings: keep_unknown(draft, settings),
    ...(Object.keys(secrets).length > 0 ? { secrets } : {}),
    ...(is_routed ? { routes: routes_of(draft) } : {}),
  };
}
/* Settings that the form does not show (an API's address) stay. */
function keep_unknown(draft: ChannelDraft, settings: Record<string, unknown>): Record<string, unknown> {
  const shown = new Set(KINDS[draft.kind].fields.map((field) => field.name));
  const kept = Object.entries(draft.values).filter(([name, value]) => !shown.has(name) && value !== "");
  return { ...Object.fromEntries(kept), ...settings };
}

export function is_whole(draft: ChannelDraft, is_new: boolean): boolean {
  return draft.name.trim() !== "" && KINDS[draft.kind].fields.every((field) => !field.is_needed || (field.is_secret && !is_new) || (draft.values[field.name] ?? "").trim() !== "");
}

/* "critical, of shop-*" */
export function route_words(routes: readonly Route[]): string {
  if (routes.length === 0) return "only what names it";
  return routes
    .map((route) => {
      const severity = route.severity === "info" ? "everything" : route.severity === "warning" ? "warning or worse" : "critical";
      const services = route.services?.length ? ` of ${route.services.join(", ")}` : "";
      return `${severity}${services}${route.environments?.length ? ` in ${route.environments.join(", ")}` : ""}`;
    })
    .join("; ");
}
