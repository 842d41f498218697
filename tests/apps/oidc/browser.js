// A browser that does what it is told: a line of JSON in, a line of JSON out. See tests/browser.py.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
           "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const told = [];
let page;
const commands = {
    async fresh({ options }) { // a person with an empty browser
        page = await (await browser.newContext(options)).newPage();
        page.setDefaultTimeout(60000);
        page.on("console", message => told.push(`${message.type()}: ${message.text()}`));
        page.on("pageerror", error => told.push(`error: ${error}`));
    },
    async goto({ url }) { return (await page.goto(url)).status(); },
    async fill({ selector, text }) { await page.fill(selector, text); },
    async click({ selector }) { await page.click(selector); },
    async text({ selector }) { return await page.locator(selector).allInnerTexts(); },
    async url() { return page.url(); },
    async wait({ url }) { await page.waitForURL(url); },
    async cookies() { return await page.context().cookies(); },
    async narrow({ width, height, scheme }) {
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme: scheme });
        return await page.evaluate(() => document.documentElement.scrollWidth);
    },
    async screenshot({ path }) { await page.screenshot({ path, fullPage: true }); },
    async told() { return told.splice(0); },
};
for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    try {
        console.log(JSON.stringify({ answer: (await commands[command.do](command)) ?? null }));
    } catch (error) {
        console.log(JSON.stringify({ error: String(error).slice(0, 2000) }));
    }
}
await browser.close();
