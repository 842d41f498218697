/* What comes from a page is not trusted: before rrweb builds it, all that could run, load or send is taken out. The frame it is built in
 * runs no script and loads nothing either (UI_STAGE_SECURITY_POLICY); what a policy does not cover (prefetching of names) is covered here. Pure. */
import type { ReplayEvent } from "./shape";

interface Node {
  type?: number;
  tagName?: unknown;
  attributes?: Record<string, unknown>;
  childNodes?: unknown;
}
const DEPTH_MAX = 2000;
const SIZE_MAX = 8192;
const NEVER = new Set(["script", "base", "object", "embed", "applet", "portal", "fencedframe"]);
/* Where an address would be loaded, sent to, or run. */
const ADDRESSES = new Set(["src", "srcset", "href", "xlink:href", "action", "formaction", "poster", "data", "background", "ping", "srcdoc", "manifest", "imagesrcset", "rr_src", "longdesc", "codebase", "classid", "cite", "profile", "attributionsrc", "target", "autofocus", "sandbox", "http-equiv", "nonce"]);
const SAFE_DATA = /^data:(?:image|font|audio|video)\//i;

export function attributes_fit(attributes: Record<string, unknown>): void {
  for (const name of Object.keys(attributes)) {
    const lower = name.toLowerCase();
    const value = attributes[name];
    if (lower.startsWith("on")) delete attributes[name];
    else if (ADDRESSES.has(lower)) {
      if (lower === "href" || lower === "xlink:href") {
        if (typeof value === "string" && !value.startsWith("#") && !SAFE_DATA.test(value)) attributes[name] = "#";
      } else if (!(lower === "src" && typeof value === "string" && SAFE_DATA.test(value))) delete attributes[name];
    }
  }
}

function node_fit(value: unknown, depth: number): void {
  const node = value as Node | null;
  if (typeof node !== "object" || node === null) return;
  if (node.type === 2) {
    const tag = typeof node.tagName === "string" ? node.tagName.toLowerCase() : "";
    if (typeof node.attributes !== "object" || node.attributes === null) node.attributes = {};
    if (NEVER.has(tag) || !/^[a-z][\w.:-]*$/.test(tag)) {
      node.tagName = "noscript";
      node.attributes = {};
      node.childNodes = [];
    } else if (tag === "link" || tag === "meta") {
      const css = node.attributes["_cssText"];
      node.attributes = tag === "link" && typeof css === "string" ? { rel: "stylesheet", _cssText: css } : {};
    } else attributes_fit(node.attributes);
  }
  if (!Array.isArray(node.childNodes)) {
    if (node.type === 0 || node.type === 2) node.childNodes = [];
  } else if (depth > DEPTH_MAX) node.childNodes = [];
  else for (const child of node.childNodes) node_fit(child, depth + 1);
}

const size = (value: unknown): number => (typeof value === "number" && value >= 1 ? Math.min(SIZE_MAX, Math.round(value)) : 1);

/* Changes the event itself. */
export function event_fit(event: ReplayEvent): ReplayEvent {
  const { data } = event;
  if (event.type === 4) {
    data["width"] = size(data["width"]);
    data["height"] = size(data["height"]);
  } else if (event.type === 2) node_fit(data["node"], 0);
  else if (event.type === 3 && data["source"] === 0) {
    for (const add of Array.isArray(data["adds"]) ? data["adds"] : []) node_fit((add as { node?: unknown } | null)?.node, 0);
    for (const change of Array.isArray(data["attributes"]) ? data["attributes"] : []) {
      const attributes = (change as { attributes?: unknown } | null)?.attributes;
      if (typeof attributes === "object" && attributes !== null) attributes_fit(attributes as Record<string, unknown>);
    }
  } else if (event.type === 3 && data["source"] === 4) {
    data["width"] = size(data["width"]);
    data["height"] = size(data["height"]);
  }
  return event;
}
