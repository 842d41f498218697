/* Twenty panels do not ask all at once: a few at a time, the first ones first, each statement once. Pure but for its own state.
 *
 *   in_turn(signal, run)          run when a place is free; who leaves the page leaves the queue
 *   shared(key, signal, run)      the same key while it is asked: one run for all; it is cancelled when nobody waits any more
 */
const PLACES = 4; /* a browser has six connections to a server; the page itself needs some */
let taken = 0;
const waiting: (() => void)[] = [];

function left(): DOMException {
  return new DOMException("the page was left", "AbortError");
}

export async function in_turn<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  while (taken >= PLACES) await new Promise<void>((go) => waiting.push(go));
  if (signal.aborted) {
    waiting.shift()?.();
    throw left();
  }
  taken++;
  try {
    return await run();
  } finally {
    taken--;
    waiting.shift()?.();
  }
}

interface Shared {
  users: number;
  end: AbortController;
  answer: Promise<unknown>;
}
const running = new Map<string, Shared>();

export function shared<T>(key: string, signal: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  let entry = running.get(key);
  if (!entry) {
    const end = new AbortController();
    const made: Shared = { users: 0, end, answer: run(end.signal).finally(() => running.get(key) === made && running.delete(key)) };
    made.answer.catch(() => undefined); /* told to those who wait */
    running.set(key, made);
    entry = made;
  }
  const mine = entry;
  mine.users++;
  return new Promise<T>((done, failed) => {
    signal.addEventListener(
      "abort",
      () => {
        mine.users--;
        if (mine.users === 0) {
          if (running.get(key) === mine) running.delete(key);
          mine.end.abort();
        }
        failed(left());
      },
      { once: true },
    );
    (mine.answer as Promise<T>).then(done, failed);
  });
}
