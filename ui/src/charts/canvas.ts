/* A canvas that is as sharp as the screen: sized by its box, drawn again when that, the theme or what it shows changes. */
import { useEffect, useRef } from "preact/hooks";
import { theme } from "../frame/theme";

export type Draw = (context: CanvasRenderingContext2D, width: number, height: number) => void;

export function useCanvas(draw: Draw) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(draw);
  latest.current = draw;
  const paint = () => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return;
    const { clientWidth: width, clientHeight: height } = element;
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
    const frame = requestAnimationFrame(paint);
    return () => cancelAnimationFrame(frame);
  });
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const observer = new ResizeObserver(paint);
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
