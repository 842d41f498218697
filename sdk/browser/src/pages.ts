/* Pages: how the first one was loaded (a span `documentLoad`, below the server's span where the page has <meta name="traceparent">), and
 * each page view, also of routers that change the address by themselves, as an event `browser.page_view`. */
import type { Core } from "./core";
import { listen, replace, safe } from "./guard";
import type { Link } from "./otlp";

export function traceparent_read(text: string | null | undefined): Link | undefined {
  const found = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(text ?? "");
  return found && !/^0+$/.test(found[1] ?? "") && !/^0+$/.test(found[2] ?? "") ? { trace_id: found[1] ?? "", span_id: found[2] ?? "" } : undefined;
}

const STEPS = ["domainLookupStart", "domainLookupEnd", "connectStart", "connectEnd", "requestStart", "responseStart", "responseEnd", "domInteractive", "domContentLoadedEventEnd", "domComplete"] as const;

function document_load(core: Core): void {
  const timing = performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming | undefined;
  if (!timing || timing.loadEventEnd <= 0) return;
  const parent = traceparent_read(document.querySelector('meta[name="traceparent"]')?.getAttribute("content"));
  const span = core.span_begin("documentLoad", 1, {
    "url.full": core.url(location.href),
    "browser.navigation.type": timing.type,
    "http.response.status_code": timing.responseStatus || undefined,
    "http.response.body.size": timing.encodedBodySize || undefined,
  }, parent);
  span.start_ms = performance.timeOrigin + timing.fetchStart;
  span.events = STEPS.filter((step) => timing[step] > 0).map((step) => ({ name: step, at_ms: performance.timeOrigin + timing[step], attributes: {} }));
  core.span_end(span, performance.timeOrigin + timing.loadEventEnd);
}

export function pages_watch(core: Core): () => void {
  const path_of = () => core.url(location.href).replace(/\?.*$/, "");
  let here = path_of();
  /* Its body is the address, not the title: pages write people's names into titles. */
  const view = (why: string) => core.event("browser.page_view", here, { "browser.navigation.type": why, "http.request.header.referer": document.referrer ? core.url(document.referrer) : undefined });
  const moved = safe(() => {
    const now = path_of();
    if (now === here) return; /* a parameter alone is no other page */
    here = now;
    core.page_view();
    core.act();
    view("route");
  });
  const after = (name: "pushState" | "replaceState") =>
    replace(history, name, (original, is_over) =>
      function (this: History, ...words) {
        original.apply(this, words);
        if (!is_over()) moved();
      });
  const ends = [after("pushState"), after("replaceState"), listen(window, "popstate", moved), listen(window, "hashchange", moved)];
  ends.push(listen(window, "pageshow", (event) => {
    if (!(event as PageTransitionEvent).persisted) return;
    core.page_view();
    view("back_forward_cache");
  }));
  const loaded = () => setTimeout(safe(() => document_load(core)), 0); /* loadEventEnd is set when all who listen were called */
  if (document.readyState === "complete") loaded();
  else ends.push(listen(window, "load", loaded, { once: true }));
  view("load");
  return () => ends.forEach((end) => end());
}
