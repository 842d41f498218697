// What recording costs a page: 100 changes of its document a second on some 2,600 nodes, twice what half of the web's pages have, with the SDK and its recording, and without; told by
// V8's profiler (of samples that have a function of the SDK on the stack: whose share of the main thread, the longest run of them, the shortest of six times), and by
// the browser's own account of the main thread's work. given.seconds is how long.
import { check, context, done, given, step, told } from "./page.js";
import { serve } from "./replay_site.js";

const html = `<main id="main">${Array.from({ length: 200 }, (_, i) => `<section class="card c${i % 7}"><h3>card ${i}</h3><p>some text of <b>card</b> ${i}</p><ul><li>one</li><li>two</li></ul></section>`).join("")}</main><ol id="log"></ol>`;
/* Each turn of 50 ms makes 5 changes: a text, two attributes, a line that comes, one that goes. */
const script = `let n = 0; const cards = document.querySelectorAll(".card"), log = document.getElementById("log");
  setInterval(() => { n++; const card = cards[n * 37 % cards.length];
    card.querySelector("h3").firstChild.data = "card at " + n; card.classList.toggle("on"); cards[n * 91 % cards.length].style.opacity = n % 2 ? "0.9" : "1";
    const line = document.createElement("li"); line.textContent = "line " + n; line.className = "l" + n % 5; log.append(line); if (log.childElementCount > 50) log.firstChild.remove(); }, 50);`;
const relay = await serve(given, { busy: { html, script } }, "", "");

async function measured(replay, is_profiled, for_seconds = given.seconds) {
    relay.options = { replay };
    const page = await (await context.browser().newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    const cdp = await page.context().newCDPSession(page);
    await page.addInitScript(() => {
        window.long = [];
        new PerformanceObserver(list => window.long.push(...list.getEntries().map(entry => Math.round(entry.duration)))).observe({ type: "longtask", buffered: true });
    });
    await cdp.send("Profiler.enable");
    await cdp.send("Profiler.setSamplingInterval", { interval: 500 });
    await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
    if (is_profiled) await cdp.send("Profiler.start");
    await page.goto(`${relay.origin("page")}/busy`);
    const metric = async () => Object.fromEntries((await cdp.send("Performance.getMetrics")).metrics.map(one => [one.name, one.value]));
    await page.waitForTimeout(1500); /* the first snapshot is in the profile, and not in the account of what goes on */
    const before = await metric(), begin = Date.now();
    for (let i = 0; i < for_seconds * 4; i++) {
        await page.mouse.move(100 + i * 17 % 900, 100 + i * 29 % 600, { steps: 2 });
        await page.waitForTimeout(250);
    }
    const after = await metric(), seconds = (Date.now() - begin) / 1000;
    const profiled = is_profiled ? ours((await cdp.send("Profiler.stop")).profile) : {};
    const long = await page.evaluate(() => window.long), broken = await page.evaluate(() => window.broken);
    check(broken.length === 0, `nothing is thrown: ${broken}`);
    await page.context().close();
    return { ...profiled, task_percent: 100 * (after.TaskDuration - before.TaskDuration) / seconds, long };
}

function ours(profile) {
    const of = new Map(profile.nodes.map(node => [node.id, node])), is_ours = new Map(), gc = new Set();
    const mark = (node, above) => {
        const own = above || /\/sdk\/(replay|monoscope)\.js$/.test(node.callFrame.url);
        is_ours.set(node.id, own);
        if (node.callFrame.functionName === "(garbage collector)") gc.add(node.id);
        for (const child of node.children ?? []) mark(of.get(child), own);
    };
    mark(profile.nodes[0], false);
    let sum = 0, run = [], longest = [], rest = [], total = 0;
    const length = list => list.reduce((all, [, us]) => all + us, 0);
    profile.samples.forEach((id, at) => {
        const us = profile.timeDeltas[at + 1] ?? 0;
        total += us;
        if (is_ours.get(id)) { sum += us; run.push([id, us]); } else if (!gc.has(id)) { if (length(run) > length(longest)) [longest, run] = [run, longest]; rest.push(...run); run = []; }
    });
    const top_of = runs => {
        const by_name = new Map();
        for (const [id, us] of runs) { const { functionName, columnNumber } = of.get(id).callFrame, name = `${functionName || "?"}:${columnNumber}`; by_name.set(name, (by_name.get(name) ?? 0) + us / 1000); }
        return [...by_name].sort((a, b) => b[1] - a[1]).slice(0, 8).map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(", ");
    };
    console.log(`  ${(sum / 1000).toFixed(0)} ms of ${(total / 1e6).toFixed(1)} s; the longest run ${(length(longest) / 1000).toFixed(1)} ms: ${top_of(longest)}; the rest: ${top_of(rest)}`);
    return { percent: 100 * sum / total, longest_ms: length(longest) / 1000 };
}

const result = {};
await step("a page without a recording, profiled", async () => { result.without = await measured(false, true); });
await step("and with one", async () => { result.with = await measured(true, true); });
check(relay.bodies.length > 2, "it was recorded");
result.bytes_per_s = relay.bodies.reduce((sum, text) => sum + text.length, 0) / given.seconds;
/* What a snapshot takes is always the same, and what other programs take away differs: the shortest of several. */
await step("the first snapshot, five times more", async () => {
    for (let i = 0; i < 5; i++) result.with.longest_ms = Math.min(result.with.longest_ms, (await measured(true, true, 1)).longest_ms);
});
await step("without, not profiled", async () => { result.without.task_percent = (await measured(false, false)).task_percent; });
await step("and with", async () => { result.with.task_percent = (await measured(true, false)).task_percent; });
told.length = 0;
console.log(`RESULT ${JSON.stringify(result)}`);
await done();
process.exit(0);
