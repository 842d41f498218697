/* While the page is live its figures are read anew every few seconds. */
import { useEffect } from "preact/hooks";
import { is_live, refresh } from "../frame/range";

const LIVE_MS = 10000;

export function useLive(): void {
  useEffect(() => {
    if (!is_live.value) return;
    const timer = setInterval(() => document.visibilityState === "visible" && refresh(), LIVE_MS);
    return () => clearInterval(timer);
  }, [is_live.value]);
}
