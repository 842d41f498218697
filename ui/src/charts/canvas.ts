/* A canvas that is as sharp as the screen: sized by its box, drawn again when that, the theme or what it shows changes.
 *
 * Its box is what the observer said last. To ask the element, after others were drawn, would lay out the whole page once more for each of a
 * dashboard's charts. */
import { useEffect, useRef } from "preact/hooks";
import { theme } from "../frame/theme";

export type Draw = (context: CanvasRenderingContext2D, width: number, height: number) => void;

export function useCanvas(draw: Draw) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(draw);
  const box = useRef<{ width: number; height: number } | undefined>(undefined); /* none before the first layout, which draws it */
  latest.current = draw;
  const paint = () => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context || !box.current) return;
    const { width, height } = box.current;
    const ratio = window.devicePixelRatio || 1;
    if (element.width !== Math.round(width * ratio) || element.height !== Math.round(height * ratio)) {
      element.width = Math.round(width * ratio);
      element.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    latest.current(context, width, height);
  };
  useEffect(() => {
    if (!box.current) return;
    const frame = requestAnimationFrame(paint);
    return () => cancelAnimationFrame(frame);
  });
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      box.current = { width: Math.round(entry.contentRect.width), height: Math.round(entry.contentRect.height) };
      paint();
    });
    observer.observe(element);
    const scheme = window.matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", paint);
    const stop = theme.subscribe(() => requestAnimationFrame(paint));
    return () => {
      observer.disconnect();
      scheme.removeEventListener("change", paint);
      stop();
    };
  }, []);
  return canvas;
}
