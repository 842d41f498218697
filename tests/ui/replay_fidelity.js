// Visits (replay_visits.js) recorded by the SDK in a real Chromium, then played by rrweb's Replayer from what Monoscope's API gives; the
// document of the replay is compared with the page's own at each step. given.visits names them; given.rules is what befalls their batches.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { check, context, done, given, page as first, step, told } from "./page.js";
import { dom_list, equal_share } from "./replay_dom.js";
import { serve } from "./replay_site.js";
import { FRAME, FRAME_JS, visits } from "./replay_visits.js";

const relay = await serve(given, visits, FRAME, FRAME_JS);
const REPLAYER = readFileSync(createRequire(import.meta.url).resolve("rrweb").replace(/rrweb\.cjs$/, "rrweb.umd.min.cjs"), "utf8");
const api = async path => {
    const answer = await fetch(`${given.base}/api/v1/projects/default${path}`, { headers: { authorization: `Bearer ${given.api_key}` } });
    return answer.ok ? answer.json() : undefined;
};
const list_source = `(${dom_list.toString()})`;
const recorded = [];

async function visit(name) {
    const { steps, ends } = visits[name];
    const own = await context.browser().newContext({ viewport: { width: 1000, height: 700 } });
    const page = await own.newPage(), refused = [];
    page.on("console", message => { if (/Content Security Policy/.test(message.text()) && !/127\.0\.0\.1:9/.test(message.text())) refused.push(message.text()); });
    await page.goto(`${relay.origin("page")}/${name}`);
    await page.waitForFunction(() => performance.getEntriesByType("resource").some(entry => entry.name.endsWith("/sdk/replay.js")) && window.m.sessionId);
    await page.waitForTimeout(300);
    const moments = [];
    for (const act of steps) {
        await act(page, relay);
        await page.waitForTimeout(60);
        moments.push(await page.evaluate(`[Date.now(), ${list_source}(document, true)]`));
        await page.waitForTimeout(60);
    }
    const session = await page.evaluate(() => window.m.sessionId), broken = await page.evaluate(() => window.broken);
    check(refused.length === 0, `${name}: the CSP lets all of the SDK be: ${refused}`);
    check(name === "errors" || broken.length === 0, `${name}: nothing is thrown into the page: ${broken}`);
    relay.rules = relay.rules.filter(rule => rule === "swallowed"); /* nobody sends again what is lost when the page has gone */
    if (given.rules) await page.waitForTimeout(6000); /* what was lost is sent again */
    if (ends === "close") await page.close({ runBeforeUnload: true });
    else {
        for (let i = 0; i < 200 && await page.evaluate(() => window.m.flush().then(() => 0)); i++) await page.waitForTimeout(100);
        if (name === "offline") await page.waitForTimeout(12000); /* it tries again later and later */
        await page.close({ runBeforeUnload: true });
    }
    recorded.push({ name, session, moments, context: own });
}

async function stored(session) {
    const detail = await api(`/replays/${session}`);
    if (!detail) return undefined;
    const batches = [];
    for (const { name } of detail.segments) batches.push(...((await api(`/replays/${session}/segments/${name}`))?.batches ?? []));
    batches.sort((a, b) => a.sequence - b.sequence);
    return { detail, batches };
}

async function played(player, one, events) {
    await player.goto("about:blank");
    await player.addScriptTag({ content: REPLAYER });
    return player.evaluate(async ([events, moments, source]) => {
        /* Each moment by a Replayer of its own, as a link to it is opened: one that is led on from moment to moment takes changes twice now and then
         * (rrweb 2.2.2: "Timeout in the loop"). */
        const list = eval(source), shown = [];
        for (const at of moments) {
            const replayer = new rrweb.Replayer(events, { mouseTail: false, showWarning: false });
            replayer.pause(at - replayer.getMetaData().startTime);
            await new Promise(done => setTimeout(done, 150)); /* frames are built when their documents are there */
            shown.push(list(replayer.iframe.contentDocument, false));
            replayer.destroy();
        }
        return shown;
    }, [events, one.moments.map(([at]) => at), list_source]);
}

for (const name of given.visits) {
    relay.rules = [...(given.rules ?? [])];
    await step(`visit: ${name}`, () => visit(name));
}
await new Promise(later => setTimeout(later, given.settle_ms ?? 3000));
const player = await context.newPage();
let equal = 0, of = 0;
const gaps = {};
for (const one of recorded) {
    await step(`replay: ${one.name}`, async () => {
        let found;
        for (let i = 0; i < 100; i++) {
            found = await stored(one.session);
            if (found?.detail.recordings.every(({ is_ended }) => is_ended)) break;
            await new Promise(later => setTimeout(later, 200));
        }
        check(found, `${one.name}: its recording is in the API`);
        const { detail, batches } = found;
        if (process.env.REPLAY_KEEP) writeFileSync(`${process.env.REPLAY_KEEP}/${one.name}.json`, JSON.stringify({ moments: one.moments, batches })); /* to look into */
        gaps[one.name] = detail.recordings.flatMap(recording => recording.gaps);
        check(detail.recordings.every(recording => recording.has_snapshot), `${one.name}: it has a full snapshot`);
        const shown = await played(player, one, batches.flatMap(batch => batch.events));
        let its = 0, all = 0;
        one.moments.forEach(([, list], at) => {
            const share = equal_share(list, shown[at]);
            its += share.equal, all += share.of;
            if (share.equal < share.of) console.log(`  ${one.name} ${at + 1}: ${share.equal} of ${share.of}\n    page only:   ${share.missing.slice(0, 3).join("\n                 ")}\n    replay only: ${share.extra.slice(0, 3).join("\n                 ")}`);
        });
        equal += its, of += all;
        console.log(`  ${one.name}: ${its} of ${all} nodes, ${one.moments.length} moments, ${batches.length} batches, ${batches.reduce((sum, batch) => sum + batch.events.length, 0)} events, gaps ${JSON.stringify(gaps[one.name])}, ended ${detail.recordings.map(recording => recording.is_ended)}`);
    });
    await one.context.close();
}
told.length = 0;
console.log(`RESULT ${JSON.stringify({ percent: 100 * equal / of, nodes: of, befell: relay.befell, gaps, sessions: Object.fromEntries(recorded.map(({ name, session }) => [name, session])) })}`);
await first.close();
await done();
process.exit(0);
