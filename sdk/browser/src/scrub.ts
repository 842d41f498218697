/* What of an address may leave the page: its path, and the names of its parameters. Their values go only where the page's author
 * says so; fragments are dropped, but for the path of a router that lives in them ("#/cart"). */
export const REDACTED = "REDACTED"; /* as OpenTelemetry's conventions for url.full have it */

const URL_MAX = 1024;
const EMAIL = /[^\s/?#&=:@]+(?:@|%40)[^\s/?#&=:@]+\.[^\s/?#&=:@]+/gi;
const JWT = /^eyJ[\w-]+\.[\w-]+/;

/* One segment of a path: an id stays, for it tells pages apart; what looks like a token or a person goes. */
function segment_scrub(segment: string): string {
  if (JWT.test(segment)) return REDACTED;
  if (/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(segment)) return segment;
  const is_mixed = /\d/.test(segment) && /[a-z]/i.test(segment);
  if (/^[\w~.=+-]{24,}$/.test(segment) && is_mixed) return REDACTED;
  if (/^\d(?:[ -]?\d){12,18}$/.test(segment)) return REDACTED; /* a card's number */
  return segment.replace(EMAIL, REDACTED);
}

function path_scrub(path: string): string {
  return path.split("/").map(segment_scrub).join("/");
}

function query_scrub(query: string, keep: readonly string[]): string {
  if (!query) return "";
  const parts = query.split("&").map((part) => {
    const at = part.indexOf("=");
    if (at < 0) return segment_scrub(part);
    const name = part.slice(0, at);
    return keep.includes(name) ? part : `${segment_scrub(name)}=${REDACTED}`;
  });
  return `?${parts.join("&")}`;
}

export function url_scrub(url: string, base: string, keep: readonly string[] = []): string {
  let parsed: URL;
  try {
    parsed = new URL(url, base);
  } catch {
    return "";
  }
  if (!/^(https?|wss?):$/.test(parsed.protocol)) return `${parsed.protocol}${REDACTED}`; /* data:, blob:, javascript: hold content */
  const hash = /^#!?(\/[^?#]*)/.exec(parsed.hash);
  const scrubbed = `${parsed.protocol}//${parsed.host}${path_scrub(parsed.pathname)}${query_scrub(parsed.search.slice(1), keep)}${hash ? `#${path_scrub(hash[1] ?? "")}` : ""}`;
  return scrubbed.slice(0, URL_MAX);
}

/* Luhn's sum, which numbers of cards have. */
function is_card(text: string): boolean {
  let sum = 0, is_twice = false;
  for (let at = text.length - 1; at >= 0; at--) {
    let digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) continue;
    if (is_twice && (digit *= 2) > 9) digit -= 9;
    sum += digit;
    is_twice = !is_twice;
  }
  return sum % 10 === 0;
}

export function cards_replace(text: string, instead: (digits: string) => string): string {
  return text.replace(/\d(?:[ -]?\d){12,18}/g, (digits) => (is_card(digits) ? instead(digits) : digits));
}

/* A text for people (an error's message, a title): addresses in it are scrubbed, people's e-mails, numbers of cards. */
export function text_scrub(text: string, max: number): string {
  return cards_replace(text.slice(0, max * 2), () => REDACTED)
    .replace(/\b(?:https?|wss?):\/\/[^\s"'<>)]+/g, (url) => {
      const place = /:\d+(?::\d+)?$/.exec(url)?.[0] ?? ""; /* a frame's line and column */
      return url_scrub(url.slice(0, url.length - place.length), url) + place;
    })
    .replace(/\beyJ[\w-]{8,}\.[\w.-]+/g, REDACTED)
    .replace(EMAIL, REDACTED)
    .slice(0, max);
}
