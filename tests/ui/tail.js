// The live tail in a real Chromium, told what to do line by line: tests/story_tail.py sends rows meanwhile.
//     node tail.js '{"base": ..., "email": ..., "password": ..., "shots": folder}'
//     {"do": "counts"}  ->  {"shown": 17, "not_shown": 0, ...}        or {"error": "..."}
import { createInterface } from "node:readline";
import { accessible, done, go, page, shots, sign_in } from "./page.js";

const acts = {
    sign_in: () => sign_in("/p/default/explore"),
    /* Until its stream runs. */
    async open({ path }) {
        await go(path);
        await page.waitForFunction(() => /rows\/s/.test(document.querySelector(".live-bar")?.textContent ?? ""));
    },
    counts: () => page.evaluate(() => {
        const bar = document.querySelector(".live-bar");
        const said = name => Number(bar?.dataset[name] ?? -1);
        return { shown: said("shown"), not_shown: said("notShown"), pending: said("pending"), matched: said("matched"), skipped: said("skipped"),
                 lines: document.querySelectorAll(".row-line").length, bar: bar?.textContent ?? "", url: location.search };
    }),
    rows: () => page.evaluate(() => [...document.querySelectorAll(".row-line")].map(line => line.textContent)),
    /* Until a row with these words is in the table: the milliseconds of the page's clock then. */
    row: ({ words }) => page.waitForFunction(wanted => [...document.querySelectorAll(".row-line")].some(line => line.textContent.includes(wanted)) && Date.now(), words)
        .then(found => found.jsonValue()),
    press: ({ key }) => page.keyboard.press(key),
    click: ({ selector }) => page.locator(selector).first().click(),
    scroll: ({ top }) => page.evaluate(to => { document.querySelector(".rows").scrollTop = to; }, top),
    text: ({ selector }) => page.locator(selector).first().innerText(),
    /* Long tasks, the time between frames, and how long a key waits for its handler and for the frame after it. */
    measure: async ({ seconds }) => {
        await page.evaluate(() => {
            const seen = window.seen = { long_ms: [], frames: [], keys: [] };
            seen.observer = new PerformanceObserver(list => { for (const one of list.getEntries()) seen.long_ms.push(one.duration); });
            seen.observer.observe({ type: "longtask" });
            let last = performance.now();
            const frame = now => { seen.frames.push(now - last); last = now; seen.handle = requestAnimationFrame(frame); };
            seen.handle = requestAnimationFrame(frame);
            document.addEventListener("keydown", seen.key = event => {
                const begin = event.timeStamp;
                requestAnimationFrame(() => setTimeout(() => seen.keys.push(performance.now() - begin)));
            }, true);
        });
        await page.focus("[aria-label='Add a column']");
        const end = Date.now() + seconds * 1000;
        while (Date.now() < end) {
            await page.keyboard.press("x");
            await page.waitForTimeout(150);
        }
        await page.fill("[aria-label='Add a column']", "");
        return page.evaluate(() => {
            const { seen } = window;
            seen.observer.disconnect();
            cancelAnimationFrame(seen.handle);
            document.removeEventListener("keydown", seen.key, true);
            const sorted = list => [...list].sort((a, b) => a - b);
            const at = (list, part) => Math.round(sorted(list)[Math.min(list.length - 1, Math.floor(list.length * part))] ?? 0);
            return { long_tasks: seen.long_ms.length, long_ms: Math.round(seen.long_ms.reduce((sum, one) => sum + one, 0)), longest_ms: at(seen.long_ms, 1),
                     keys: seen.keys.length, key_p50_ms: at(seen.keys, 0.5), key_p95_ms: at(seen.keys, 0.95), key_max_ms: at(seen.keys, 1),
                     frames: seen.frames.length, frame_p95_ms: at(seen.frames, 0.95) };
        });
    },
    shots: ({ name }) => shots(name),
    accessible: ({ name }) => accessible(name),
};

for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    try {
        console.log(JSON.stringify({ answer: (await acts[asked.do](asked)) ?? null }));
    } catch (error) {
        console.log(JSON.stringify({ error: String(error).slice(0, 1500) }));
    }
}
await done();
