// What every program of this folder begins with: a Chromium with a page, the helpers, and one way to fail.
//     import { page, context, given, step, check, ... } from "./page.js"     argument 1 of the program: JSON with base, email, password, shots
// A step prints a line; the first that is not as it should be ends the program with exit code 1; done() is its last line.
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const given = JSON.parse(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(given.shots, { recursive: true });

const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
           "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
export const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, permissions: ["clipboard-read", "clipboard-write"] });
export const page = await context.newPage();
page.setDefaultTimeout(60000); /* a busy machine */
export const told = [];
page.on("console", message => { if (message.type() === "error" || message.type() === "warning") told.push(`${message.type()}: ${message.text()}`); });
page.on("pageerror", error => told.push(`page error: ${error}`));

export const clicks = { count: 0 };
export function check(condition, words) {
    if (condition) return;
    console.log(`NOT AS IT SHOULD BE: ${words}\n  at ${page.url()}\n  console: ${told.join("\n           ")}`);
    process.exit(1);
}
export async function step(words, run) {
    const begin = performance.now();
    try {
        await run();
    } catch (error) {
        await page.screenshot({ path: `${given.shots}/broken.png` }).catch(() => {});
        check(false, `${words}: ${String(error).slice(0, 1500)}`);
    }
    console.log(`${words} (${Math.round(performance.now() - begin)} ms)`);
}
export const text = async selector => (await page.locator(selector).first().innerText()).replace(/\s+/g, " ").trim();
export const number_of = words => Number(words.replace(/[^0-9]/g, ""));
export async function click(selector) { clicks.count++; await page.locator(selector).first().click(); }
export async function go(path) { await page.goto(given.base + path); }
/* The page is there, no question to the server is open (a live tail's always is), and nothing loads, two looks one after the other: a
 * part that has just come may ask for more. */
const asked = new Set();
page.on("request", request => { if (request.resourceType() === "fetch" && !/\/tail\b/.test(request.url())) asked.add(request); });
for (const end of ["requestfinished", "requestfailed"]) page.on(end, request => asked.delete(request));
page.on("framenavigated", frame => { if (frame === page.mainFrame()) asked.clear(); });
export async function settled() {
    const until = Date.now() + 60000;
    for (let quiet = 0; quiet < 2;) {
        const is_quiet = asked.size === 0 && await page.evaluate(() => document.querySelector("main") !== null && document.querySelector('.progress, .spinner, [aria-busy="true"]') === null).catch(() => false); /* between two pages */
        quiet = is_quiet ? quiet + 1 : 0;
        if (Date.now() > until) throw new Error(`the page does not settle: ${[...asked].map(request => request.url())}`);
        await page.waitForTimeout(50);
    }
}
export async function rows_are(count) {
    await page.waitForFunction(wanted => document.querySelector(".explore-acts b")?.textContent?.replace(/[^0-9]/g, "") === String(wanted), count);
}
export async function accessible(name, page_seen = page) {
    for (const scheme of ["light", "dark"]) {
        await page_seen.emulateMedia({ colorScheme: scheme });
        await page_seen.waitForTimeout(100);
        await page_seen.evaluate(axe);
        const found = await page_seen.evaluate(async () => (await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }))
            .violations.map(one => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map(node => `${node.target} ${node.any[0]?.message ?? ""}`).join(" | ")}`));
        check(found.length === 0, `${name} in ${scheme} has no violation of WCAG AA: ${found.join("\n  ")}`);
    }
    await page_seen.emulateMedia({ colorScheme: "light" });
}
const SIZES = [["phone", 390, 844, "light"], ["laptop", 1280, 800, "light"], ["laptop-dark", 1280, 800, "dark"], ["wide", 1920, 1080, "light"]];
const DARK = [["phone-dark", 390, 844, "dark"], ["wide-dark", 1920, 1080, "dark"]];
/* is_all: dark at each width, not of a laptop alone. */
export async function shots(name, is_all = false) {
    for (const [size, width, height, scheme] of is_all ? [...SIZES, ...DARK] : SIZES) {
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme: scheme });
        await page.waitForTimeout(150);
        const wanted = await page.evaluate(() => document.documentElement.scrollWidth);
        check(wanted <= width, `${name} fits a ${size}'s width: it wants ${wanted} of ${width}`);
        await page.screenshot({ path: `${given.shots}/${name}-${size}.png` });
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.emulateMedia({ colorScheme: "light" });
}

/* The rows of a statement by the API, as the page's own session sees them. */
export async function rows_by_api(sql) {
    return page.evaluate(async sql => {
        const me = await (await fetch("/api/v1/users/me")).json();
        const answer = await fetch("/api/v1/projects/default/query", {
            method: "POST", headers: { "content-type": "application/json", "x-csrf-token": me.csrf_token }, body: JSON.stringify({ sql, limit: 100000 }) });
        return answer.json();
    }, sql);
}
export async function sign_in(path) {
    await go(path);
    await page.waitForURL(/\/sign-in\?/);
    await page.fill("input[type=email]", given.email);
    await page.fill("input[type=password]", given.password);
    await page.click("button[type=submit], form button");
    await page.waitForURL(given.base + path);
    told.length = 0; /* the 401 that sent us there */
}
export async function done() {
    check(told.length === 0, "the console is empty: no error, no refused script or style");
    await browser.close();
    console.log("all as it should be");
}
