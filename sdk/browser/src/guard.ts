/* The page comes first: nothing of ours may throw into it, and a fault of ours is told once, on the console. */
let is_told = false;

export function fault(error: unknown): void {
  if (is_told) return;
  is_told = true;
  try {
    console.warn("monoscope: a fault in the SDK, the page goes on:", error);
  } catch {
    /* a console that throws is the page's own affair */
  }
}

/* f as it is, but what it throws stays here. */
export function safe<A extends unknown[]>(f: (...args: A) => void): (...args: A) => void {
  return (...args) => {
    try {
      f(...args);
    } catch (error) {
      fault(error);
    }
  };
}

/* Listens until the answer is called. */
export function listen(target: EventTarget, name: string, f: (event: Event) => void, options: AddEventListenerOptions = {}): () => void {
  const guarded = safe(f);
  target.addEventListener(name, guarded, options);
  return () => target.removeEventListener(name, guarded, options);
}

/* Puts another function in the place of target[name] until the answer is called. Who wrapped it after us keeps theirs: then ours
 * stays below, and hands everything on once `is_over` says so. */
export function replace<T extends object, K extends keyof T>(target: T, name: K, make: (original: T[K], is_over: () => boolean) => T[K]): () => void {
  const original = target[name];
  let over = false;
  const ours = make(original, () => over);
  target[name] = ours;
  return () => {
    over = true;
    if (target[name] === ours) target[name] = original;
  };
}
