// A page with a secret in every place that a document has, under the SDK with and without unmasking; tests/story_browser_replay.py searches what
// the server keeps. Each secret is told by its place: "hush" + place. What may be seen says "canary".
import { check, context, done, given, step, told } from "./page.js";
import { serve } from "./replay_site.js";

let count = 0;
const secrets = [];
/* A word for texts: letters and digits, no sense. */
const hush = place => { const word = `hush${place}${(4321 + count++).toString(36)}x`; secrets.push(word); return word; };
/* What a token in an address looks like. */
const token = place => { const word = `tok${place}9f3a7b2c5d8e1f4a6b9c${count++}`; secrets.push(word); return word; };
/* What pages show and send, and a rule of the project takes out at the server: an element of class by-rule. */
const ruled = ["text", "title", "data", "added", "inside"].map(place => `ruled${place}${(4321 + count++).toString(36)}x`);
const [ruled_text, ruled_title, ruled_data, ruled_added, ruled_inside] = ruled;
const CARD = "4111111111111111", CARD_SPACED = "4012 8888 8888 1881", JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodXNoIn0.c2lnaHVzaA", MAIL = "hush.ann@mail.example";
secrets.push(CARD, CARD_SPACED, CARD_SPACED.replaceAll(" ", ""), JWT, MAIL, encodeURIComponent(MAIL));
const image = place => `data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'%3E%3Ctext%3E${hush(place)}%3C/text%3E%3C/svg%3E`;

const everywhere = (what, is_open) => `<section ${is_open ? "data-monoscope-unmask" : ""}>
  <!-- ${hush(`${what}comment`)} -->
  ${is_open ? `<p>canary of what may be seen, but not ${CARD}, ${CARD_SPACED} or ${JWT}</p>` : `<p title="${hush(`${what}title`)}" data-user="${hush(`${what}data`)}" aria-label="${hush(`${what}aria`)}">${hush(`${what}text`)} <b>${hush(`${what}bold`)}</b> ${CARD} ${MAIL}</p>
  <img alt="${hush(`${what}alt`)}" src="${image(`${what}image`)}"><x-card private="${hush(`${what}custom`)}"></x-card><ul><li value="3" data-pin="1234">${hush(`${what}item`)}</li></ul>
  <select name="s"><option label="${hush(`${what}label`)}" value="${hush(`${what}option`)}" selected>${hush(`${what}optiontext`)}</option></select><textarea>${hush(`${what}area`)}</textarea>
  <input value="${hush(`${what}value`)}" placeholder="${hush(`${what}placeholder`)}"><input type="button" value="${hush(`${what}button`)}"><input type="radio" value="${hush(`${what}radio`)}"><input type="search" value="${hush(`${what}search`)}">
  <svg><title>${hush(`${what}svgtitle`)}</title><text>${hush(`${what}svgtext`)}</text><a href="/x?t=${token(`${what}svga`)}"><circle r="3" aria-label="${hush(`${what}svgaria`)}"/></a></svg>
  <table><caption>${hush(`${what}caption`)}</caption><tr><td abbr="${hush(`${what}abbr`)}">${hush(`${what}cell`)}</td></tr></table><details><summary>${hush(`${what}summary`)}</summary></details>
  <object data="/o?t=${token(`${what}object`)}"></object><noscript><p>${hush(`${what}noscript`)}</p></noscript><template><p>${hush(`${what}template`)}</p></template><div contenteditable>${hush(`${what}editable`)}</div>`}
  <form action="/send?t=${token(`${what}action`)}"><input type="password" value="${hush(`${what}password`)}"><input type="hidden" name="t" value="${hush(`${what}hidden`)}"><input name="csrf_token" value="${hush(`${what}csrf`)}"></form>
  <input autocomplete="cc-number" value="${CARD}"><input name="cardNumber" value="${hush(`${what}card`)}"><input id="cvv" value="${hush(`${what}cvv`)}"><input autocomplete="one-time-code" value="${hush(`${what}otp`)}"><select autocomplete="cc-exp-month"><option selected value="${is_open ? "11" : hush(`${what}exp`)}">11</option></select>
  <a href="/p/${MAIL}?session=${token(`${what}link`)}#${hush(`${what}fragment`)}">a</a><a href="mailto:${MAIL}">b</a><a href="/reset/${token(`${what}path`)}" ping="/ping?t=${token(`${what}ping`)}">c</a>
  <img src="/i.png?sig=${token(`${what}src`)}" srcset="/i2.png?sig=${token(`${what}srcset`)} 2x" onerror="void '${hush(`${what}handler`)}'"><video poster="/v.png?t=${token(`${what}poster`)}"></video>
  <div style="background: url('/b.png?t=${token(`${what}style`)}')" id="u-${MAIL}" class="c ${JWT}"></div><iframe src="http://127.0.0.1:9/f?t=${token(`${what}frame`)}"></iframe><iframe srcdoc="<p>${is_open ? "x" : hush(`${what}srcdoc`)}</p><!-- ${hush(`${what}doccomment`)} -->"></iframe>
  <div data-monoscope-mask><p>${hush(`${what}masked`)}</p></div><div class="monoscope-block" title="${hush(`${what}blocktitle`)}"><p class="inside">${hush(`${what}blocked`)}</p><input value="${hush(`${what}blockinput`)}"><img src="${image(`${what}blockimage`)}"></div>
  <div class="own-block">${hush(`${what}ownblock`)}</div><div class="own-mask">${hush(`${what}ownmask`)}</div></section>`;

const html = `<meta name="description" content="${hush("meta")}"><meta name="csrf-token" content="${hush("csrf")}"><style>.x::after { content: "${hush("content")}"; background: url(/c.png?t=${token("css")}) } :root { --who: "${hush("var")}" }</style>
  <script type="application/json">{"who": "${hush("json")}"}</script><h1 data-monoscope-unmask>canary</h1>${everywhere("all", false)}${everywhere("open", true)}<article class="wide by-rule" data-monoscope-unmask><p title="${ruled_title}">${ruled_text}</p></article><div id="later"></div><x-shadow></x-shadow><x-shadow class="monoscope-block" id="closed"></x-shadow>`;
const script = `
  document.title = ${JSON.stringify(hush("doctitle"))};
  customElements.define("x-shadow", class extends HTMLElement { constructor() { super(); const root = this.attachShadow({ mode: "open" }); root.append(${JSON.stringify(hush("shadowtext"))}); const p = document.createElement("p"); p.textContent = ${JSON.stringify(hush("shadowp"))}; root.append(p);
    const sheet = new CSSStyleSheet(); sheet.replaceSync('p::after { content: "${hush("adopted")}" }'); root.adoptedStyleSheets = [sheet]; this.sheet = sheet; } });`;

const pages = { secrets: { html, script } };
const relay = await serve(given, pages, `<p>${hush("framepage")}</p><input value="${hush("frameinput")}">`, "");

async function use(options, words) {
    relay.options = options;
    const page = await (await context.browser().newContext({ viewport: { width: 1000, height: 700 } })).newPage();
    await page.goto(`${relay.origin("page")}/secrets?session=${token("query")}&mail=${encodeURIComponent(MAIL)}#access_token=${token("hash")}`);
    await page.waitForFunction(() => performance.getEntriesByType("resource").some(entry => entry.name.endsWith("/sdk/replay.js")));
    await page.waitForTimeout(500);
    await page.evaluate(words => {
        m.identify({ id: "u1" });
        const all = document.querySelector("section"), open = document.querySelectorAll("section")[1], later = document.getElementById("later");
        const shadow = document.querySelector("x-shadow"), closed = document.getElementById("closed");
        /* what changes */
        all.querySelector("p").append(words.added);
        all.querySelector("p").firstChild.data = words.data;
        all.querySelector("p").title = words.newtitle;
        all.querySelector("img").setAttribute("alt", words.newalt);
        all.querySelector("a").href = `/x?t=${words.newlink}`;
        document.querySelector(".x")?.remove();
        const made = document.createElement("div");
        made.innerHTML = `<p title="${words.madetitle}">${words.madetext}</p><input value="${words.madevalue}"><!-- ${words.madecomment} --><textarea>${words.madearea}</textarea>`;
        later.append(made);
        made.querySelector("textarea").textContent = words.area2;
        made.querySelector("input").setAttribute("value", words.value2);
        shadow.shadowRoot.prepend(words.shadow1);
        shadow.shadowRoot.firstChild.data = words.shadow2;
        shadow.sheet.insertRule(`p::before { content: "${words.rule}"; background: url(/r.png?t=${words.ruleurl}) }`);
        closed.shadowRoot.append(words.closed1);
        closed.shadowRoot.querySelector("p").textContent = words.closed2;
        for (const box of document.querySelectorAll(".monoscope-block .inside")) box.textContent = words.blocked1, box.append(words.blocked2), box.setAttribute("title", words.blocked3);
        const mask = open.querySelector("[data-monoscope-mask]");
        mask.append(words.mask1);
        mask.querySelector("p").firstChild.data = words.mask2;
        const gone = mask.querySelector("p"); /* changed and taken away at once: whose it was cannot be seen any more */
        gone.firstChild.data = words.gone;
        gone.remove();
        document.querySelector("style").sheet.insertRule(`.y::after { content: "${words.css1}" }`);
        document.querySelector("style").append(`.z::after { content: "${words.css2}" }`);
        later.style.setProperty("background", `url(/s.png?t=${words.style1})`);
        const frame = document.createElement("iframe");
        later.append(frame);
        frame.contentDocument.body.innerHTML = `<p>${words.frame1}</p>`;
        const blocked = document.createElement("iframe");
        blocked.className = "monoscope-block";
        later.append(blocked);
        blocked.contentDocument.body.innerHTML = `<p data-monoscope-unmask>${words.frame2}</p>`;
        const real = document.createElement("iframe");
        real.src = "/frame";
        later.append(real);
        open.append("canary added");
        const article = document.querySelector("article"), inside = document.createElement("p");
        article.querySelector("p").firstChild.data = words.ruled_data;
        article.append(words.ruled_added, inside);
        inside.append("x");
        setTimeout(() => { inside.firstChild.data = words.ruled_inside; }, 200);
        /* beside the document */
        console.error("failed for", words.mail, { k: words.object }, `password=${words.logged}`, words.card);
        console.log(words.log);
        history.pushState({ secret: words.state }, "", `/secrets/${words.mail}?token=${words.pushed}`);
        void fetch(`/api/ok?key=${words.fetched}`, { method: "POST", body: `card=${words.body}`, headers: { "x-secret": words.header } });
        void fetch("/api/bodies", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ password: words.json, ok: "canary body" }) });
        m.error(new Error(`no card ${words.card} of ${words.mail}`));
    }, words);
    /* what is typed */
    await page.fill("#later input", words.typed);
    await page.fill("section >> nth=1 >> input[type=password]", words.typedpassword);
    await page.evaluate(() => { for (const one of document.querySelectorAll("input[type=password]")) one.type = "text"; }); /* "show my password" */
    await page.type("section >> nth=1 >> form input >> nth=0", words.shown);
    await page.fill("#cvv >> nth=1", words.cvv);
    await page.fill("section >> nth=0 >> textarea", words.area3);
    await page.click("section >> nth=0 >> [contenteditable]");
    await page.keyboard.type(words.edited);
    await page.evaluate(() => window.m.startReplay());
    await page.waitForTimeout(500);
    for (let i = 0; i < 3; i++) await page.evaluate(() => window.m.flush());
    check((await page.evaluate(() => window.broken)).length === 0, "nothing is thrown into the page");
    const session = await page.evaluate(() => window.m.sessionId);
    await page.close({ runBeforeUnload: true });
    return session;
}
const WORDS = ["added", "data", "newtitle", "newalt", "madetitle", "madetext", "madevalue", "madecomment", "madearea", "area2", "value2", "shadow1", "shadow2", "rule", "closed1", "closed2", "blocked1", "blocked2", "blocked3", "mask1", "mask2", "gone", "css1", "css2",
    "frame1", "frame2", "object", "logged", "log", "state", "body", "header", "json", "typed", "typedpassword", "shown", "cvv", "area3", "edited"];
const TOKENS = ["newlink", "ruleurl", "style1", "pushed", "fetched"];
const words = () => ({ ...Object.fromEntries(WORDS.map(name => [name, hush(name)])), ...Object.fromEntries(TOKENS.map(name => [name, token(name)])), mail: MAIL, card: CARD, ruled_data, ruled_added, ruled_inside });

const sessions = [];
await step("recorded from the beginning", async () => { sessions.push(await use({ replay: { block: [".own-block"], mask: [".own-mask"], bodies: [`${relay.origin("page")}/api/bodies`] } }, words())); });
await step("kept until something breaks", async () => { sessions.push(await use({ replay: { sample: 0, block: [".own-block"], mask: [".own-mask"] } }, words())); });
await step("what is unmasked as a whole still hides what is marked", async () => {
    const own = words(), marked = new Set(["closed1", "closed2", "blocked1", "blocked2", "blocked3", "mask1", "mask2", "gone", "frame2", "typedpassword", "shown", "cvv"]);
    sessions.push(await use({ replay: { maskAllText: false, maskAllInputs: false, block: [".own-block", "section:first-of-type", "x-shadow"], mask: [".own-mask", "title", "iframe"] } }, Object.fromEntries(Object.entries(own).map(([name, word]) => [name, marked.has(name) || TOKENS.includes(name) || word === MAIL || word === CARD || name.startsWith("ruled") ? word : `canary ${name}`]))));
});
check(relay.bodies.length > 3, "there are recordings");
told.length = 0;
console.log(`RESULT ${JSON.stringify({ ruled, ruled_sent: ruled.filter(word => relay.bodies.some(text => text.includes(word))), secrets: [...new Set(secrets)], sessions, sent: relay.bodies.length, own: relay.bodies.flatMap(text => secrets.filter(word => text.includes(word)).map(word => [word, text.slice(Math.max(0, text.indexOf(word) - 160), text.indexOf(word) + 60)])).slice(0, 20) })}`);
await done();
process.exit(0);
