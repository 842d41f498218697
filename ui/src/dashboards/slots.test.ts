import { describe, expect, it } from "vitest";
import { in_turn, shared } from "./slots";

const tick = () => new Promise((done) => setTimeout(done, 0));

describe("in turn", () => {
  it("runs a few at once, and those who left not at all", async () => {
    const gone = new AbortController();
    const here = new AbortController().signal;
    let now = 0;
    let most = 0;
    const ran: number[] = [];
    const one = (n: number) => async () => {
      most = Math.max(most, ++now);
      await tick();
      now--;
      ran.push(n);
    };
    const all = Array.from({ length: 12 }, (_, n) => in_turn(n === 7 ? gone.signal : here, one(n)).catch((error: Error) => error.name));
    gone.abort();
    const told = await Promise.all(all);
    expect(most).toBe(4);
    expect(ran.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]);
    expect(told[7]).toBe("AbortError");
  });
  it("goes on after one failed", async () => {
    const here = new AbortController().signal;
    await Promise.all(Array.from({ length: 6 }, () => in_turn(here, () => Promise.reject(new Error("x"))).catch(() => undefined)));
    expect(await in_turn(here, () => Promise.resolve(1))).toBe(1);
  });
});

describe("shared", () => {
  it("asks once for all who wait, and ends when the last has left", async () => {
    let runs = 0;
    let seen: AbortSignal | undefined;
    const run = (signal: AbortSignal) => {
      runs++;
      seen = signal;
      return new Promise<number>((_, failed) => signal.addEventListener("abort", () => failed(new Error("ended"))));
    };
    const a = new AbortController();
    const b = new AbortController();
    const first = shared("k", a.signal, run).catch((error: Error) => error.name);
    const second = shared("k", b.signal, run).catch((error: Error) => error.name);
    expect(runs).toBe(1);
    a.abort();
    expect(seen?.aborted).toBe(false);
    b.abort();
    expect(seen?.aborted).toBe(true);
    expect(await first).toBe("AbortError");
    expect(await second).toBe("AbortError");
    expect(await shared("k", new AbortController().signal, () => Promise.resolve(2))).toBe(2);
    expect(await shared("k", new AbortController().signal, () => Promise.resolve(3))).toBe(3); /* what is done is not kept */
  });
});
