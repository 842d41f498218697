/* How the page felt: web vitals (LCP, INP, CLS, FCP, TTFB) as events `browser.web_vital`, tasks that held the page for longer than
 * 100 ms as `browser.long_task`, at most 50 a page view. */
import { type Metric, onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals";
import type { Core } from "./core";
import { safe } from "./guard";

const LONG_MS = 100;
const LONG_MAX = 50;

export function vitals_watch(core: Core): () => void {
  let is_over = false;
  const tell = safe((metric: Metric) => {
    if (is_over) return;
    core.event("browser.web_vital", `${metric.name} ${Math.round(metric.value * 1000) / 1000}`, {
      "browser.web_vital.name": metric.name.toLowerCase(),
      "browser.web_vital.value": metric.value,
      "browser.web_vital.delta": metric.delta,
      "browser.web_vital.id": metric.id,
      "browser.web_vital.rating": metric.rating,
      "browser.web_vital.navigation_type": metric.navigationType,
    });
  });
  for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB]) on(tell);
  return () => {
    is_over = true;
  };
}

export function long_tasks_watch(core: Core): () => void {
  if (typeof PerformanceObserver === "undefined" || !PerformanceObserver.supportedEntryTypes?.includes("longtask")) return () => undefined;
  let told = 0;
  const observer = new PerformanceObserver(safe((list: PerformanceObserverEntryList) => {
    for (const entry of list.getEntries()) {
      if (entry.duration < LONG_MS || told++ >= LONG_MAX) continue;
      core.event("browser.long_task", `${Math.round(entry.duration)} ms`, { "browser.long_task.duration": entry.duration }, 9, performance.timeOrigin + entry.startTime);
    }
  }));
  observer.observe({ type: "longtask", buffered: true });
  return () => observer.disconnect();
}
