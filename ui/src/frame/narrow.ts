/* Is the page as narrow as a phone's? The same width as in the style sheets. */
import { useEffect, useState } from "preact/hooks";

const narrow = window.matchMedia("(max-width: 900px)");

export function useNarrow(): boolean {
  const [is_narrow, set] = useState(narrow.matches);
  useEffect(() => {
    const change = () => set(narrow.matches);
    narrow.addEventListener("change", change);
    return () => narrow.removeEventListener("change", change);
  }, []);
  return is_narrow;
}
