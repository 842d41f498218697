// How soon each view of the web UI shows its results: bench/ui_bench.py runs it and says what is in the server.
//     node speed.js '{"base": ..., "email": ..., "password": ..., "from": ISO, "to": ISO, "trace": id, "runs": 3}'
// Prints one JSON object: of each view its runs, in their order, each of a browser that has never been there (cold) and of one that
// loads the page once more (warm). Milliseconds from the start of the navigation (performance.timeOrigin):
//     first   until the view's own answer stands: rows, a chart of the whole range, findings, spans
//     ready   until the bars above it and values of the fields beside it stand too: all of the page can be used
//     whole   until nothing is on its way any more: fields that were counted of the newest rows first are exact
//     cpu     what the server worked for it, of all its threads
// "timeline": true tells on stderr what was asked for, and when.
// A chart of which a part stands ("so far") has not given its answer.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";

const given = JSON.parse(process.argv[2]);
const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
           "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const size = { width: 1440, height: 900 };
const all = `from=${given.from}&to=${given.to}`;
const VIEWS = [
    { name: "services", path: `services?${all}`, first: ".services-table tbody tr", whole: ".services-table tbody tr" },
    { name: "services_env", path: `services?${all}&env=production`, first: ".services-table tbody tr", whole: ".services-table tbody tr" },
    { name: "service", path: `services/${given.service}?${all}`, first: ".service-charts canvas", whole: "[data-endpoint]" },
    { name: "service_map", path: `services/map?${all}`, first: ".map-node", whole: ".map-node" },
    { name: "rows", path: `explore?${all}`, first: ".row-line", whole: ".facets .facet" },
    { name: "rows_of_service", path: `explore?${all}&q=service:${given.service}`, first: ".row-line", whole: ".facets .facet" },
    { name: "rows_of_attribute", path: `explore?${all}&q=tenant.plan:enterprise`, first: ".row-line", whole: ".facets .facet" },
    { name: "rows_of_words", path: `explore?${all}&q=checkout`, first: ".row-line", whole: ".facets .facet" },
    { name: "rows_by_service", path: `explore?${all}&by=service.name`, first: ".row-line", whole: ".facets .facet" },
    { name: "rows_last_hour", path: `explore?from=${given.hour_from}&to=${given.to}`, first: ".row-line", whole: ".facets .facet" },
    ...["line", "bar", "stacked"].map(viz => ({ name: viz, path: `explore?${all}&viz=${viz}&by=service.name`, first: ".chart canvas", whole: ".facets .facet" })),
    { name: "line_p95", path: `explore?${all}&viz=line&by=service.name&agg=p95&of=duration`, first: ".chart canvas", whole: ".facets .facet" },
    { name: "line_of_attribute", path: `explore?${all}&viz=line&by=tenant.plan`, first: ".chart canvas", whole: ".facets .facet" },
    { name: "top", path: `explore?${all}&viz=top&by=name`, first: ".explore-kind table, .explore-kind li, .explore-kind canvas", whole: ".facets .facet" },
    { name: "table", path: `explore?${all}&viz=table&by=service.name,name`, first: ".explore-kind table", whole: ".facets .facet" },
    { name: "heat", path: `explore?${all}&viz=heat&of=duration`, first: ".explore-kind canvas", whole: ".facets .facet" },
    { name: "difference", path: `explore?${all}&viz=difference&sel=${given.selection}`, first: ".explore-kind .difference", whole: ".facets .facet" },
    { name: "patterns", path: `explore?${all}&viz=patterns`, first: ".explore-kind table, .explore-kind li, .explore-kind .state", whole: ".facets .facet" },
    { name: "sql", path: `sql?q=${encodeURIComponent(given.statement)}`, first: ".grid-line", whole: ".grid-line" },
    { name: "trace", path: `trace/${given.small}`, first: ".span-row", whole: ".span-row" },
    { name: "dashboard20", path: `dashboards/twenty?${all}`, first: ".panel-body > *", count: 20 },
    ...["ask", "metrics", "dashboards", "issues", "replays", "incidents", "findings", "monitors", "agents", "reports", "intake", "settings"].map(name => ({ name, path: `${name}?${all}`, calm: true })),
    { name: "trace_100k", path: `trace/${given.trace}`, first: ".span-row", whole: ".span-row" },
];

async function signed_in() {
    const context = await browser.newContext({ viewport: size });
    const page = await context.newPage();
    await page.goto(given.base + "/p/default/explore?from=now-1m");
    await page.waitForURL(/\/sign-in\?/);
    await page.fill("input[type=email]", given.email);
    await page.fill("input[type=password]", given.password);
    await page.click("button[type=submit], form button");
    await page.waitForURL(/\/p\/default\/explore/);
    const state = await context.storageState();
    await context.close();
    return state;
}

// In the page: milliseconds since the navigation began at which each of the selectors stands, and nothing of `not` does.
const seen = (page, selectors, not) => page.waitForFunction(([wanted, unwanted]) => {
    const stands = selector => [...document.querySelectorAll(selector)].some(one => one.getClientRects().length > 0);
    return wanted.every(stands) && !(unwanted && document.querySelector(unwanted)) && performance.now();
}, [selectors, not], { polling: "raf", timeout: given.patience_ms }).then(handle => handle.jsonValue());
const BUSY = ".progress, .spinner, [aria-busy=true], .state.waiting";
const PART = ".explore-kind .so-far:not(:empty), .explore-kind [aria-busy=true]";

// Milliseconds that the server has been on a processor; the kernel counts in hundredths of a second.
function worked() {
    const fields = readFileSync(`/proc/${given.pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
}

/* The same until there are so many of them. */
const counted = (page, selector, count) => page.waitForFunction(([wanted, least, unwanted]) =>
    document.querySelectorAll(wanted).length >= least && !document.querySelector(unwanted) && performance.now(),
[selector, count, BUSY], { polling: "raf", timeout: given.patience_ms }).then(handle => handle.jsonValue());

// What was asked for, and when: milliseconds of its begin, first byte and end since the navigation began.
const timeline = page => page.evaluate(() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation")).sort((a, b) => a.startTime - b.startTime)
    .map(one => `${[one.startTime, one.requestStart, one.responseStart, one.responseEnd].map(ms => String(Math.round(ms)).padStart(6)).join("")} ${one.encodedBodySize} ${one.name.replace(location.origin, "").slice(0, 90)}`).join("\n"));

async function visit(page, view) {
    const before = worked();
    await page.goto(`${given.base}/p/default/${view.path}`, { waitUntil: "commit" });
    if (view.count) {
        const [first, whole] = await Promise.all([seen(page, [view.first]), counted(page, view.first, view.count)]);
        return { first, ready: whole, whole, cpu: worked() - before };
    }
    if (view.calm) {
        const first = await seen(page, ["#view > *"], `${BUSY}, .state[role=status]`);
        return { first, ready: first, whole: first, cpu: worked() - before };
    }
    const bars = view.whole === ".facets .facet" ? [".explore-head canvas"] : [];
    const [first, ready, whole] = await Promise.all([
        seen(page, [view.first], PART),
        seen(page, [view.first, view.whole, ...bars], `${PART}, .explore-head .so-far:not(:empty)`),
        seen(page, [view.whole], BUSY),
    ]);
    return { first, ready, whole, cpu: worked() - before };
}

const result = { views: {} };
const state = await signed_in();
for (const view of VIEWS) {
    if (given.only && !given.only.includes(view.name)) continue;
    const cold = [], warm = [];
    try {
        for (let run = 0; run < given.runs; run++) {
            const context = await browser.newContext({ viewport: size, storageState: state });
            const page = await context.newPage();
            cold.push(await visit(page, view));
            if (given.timeline) console.error(await timeline(page));
            warm.push(await visit(page, view));
            if (given.timeline) console.error(await timeline(page));
            if (!result.js_kb && view.name === "rows") {
                const loaded = await page.evaluate(() => performance.getEntriesByType("resource").map(one => one.name).filter(name => name.endsWith(".js")));
                let bytes = 0;
                for (const url of loaded) bytes += gzipSync(await (await context.request.get(url)).body(), { level: 9 }).length;
                result.js_kb = Math.round(bytes / 102.4) / 10;
            }
            if (given.shots && run === 0) await page.screenshot({ path: `${given.shots}/${view.name}.png` });
            if (run === 0 && view.name === "trace_100k") result.frames = await scrolled(page);
            await context.close();
        }
        result.views[view.name] = { cold, warm };
    } catch (error) {
        result.views[view.name] = { problem: String(error).split("\n")[0] };
    }
    const told = list => list.map(one => `${Math.round(one.first)}/${Math.round(one.ready)}/${Math.round(one.whole)} ms, ${one.cpu} ms of CPU`).join("; ");
    console.error(view.name, result.views[view.name].problem ?? `cold ${told(cold)}; warm ${told(warm)}`);
}

// Five seconds of steady scrolling through the unfolded trace: frames that came late, as multiples of 1/60 s.
async function scrolled(page) {
    const unfold = page.locator("text=Unfold all");
    if (await unfold.count()) await unfold.first().click();
    await page.waitForTimeout(300);
    return await page.evaluate(() => new Promise(done => {
        const box = document.querySelector(".waterfall");
        const begin = performance.now();
        let last = begin, frames = 0, dropped = 0, longest = 0;
        const step = now => {
            const gap = now - last;
            if (frames > 0) {
                dropped += Math.max(0, Math.round(gap / (1000 / 60)) - 1);
                longest = Math.max(longest, gap);
            }
            last = now;
            frames++;
            box.scrollTop += 300;
            if (now - begin < 5000) requestAnimationFrame(step);
            else done({ frames, dropped, longest: Math.round(longest), rows: Math.round(box.scrollHeight / 24) });
        };
        requestAnimationFrame(step);
    }));
}

await browser.close();
console.log(JSON.stringify(result));
