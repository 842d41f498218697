/* A box that scrolls: how far it is scrolled and how high it is, for lists of which only what is seen is in the page. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";

export function useScrollBox() {
  const box = useRef<HTMLDivElement>(null);
  const [top, set_top] = useState(0);
  const [height, set_height] = useState(600);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => set_height(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { box, top, height, on_scroll: (event: { currentTarget: HTMLElement }) => set_top(event.currentTarget.scrollTop) };
}
