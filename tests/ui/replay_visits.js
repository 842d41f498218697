// Twelve visits that a recorder must get right: pages (HTML and a script, both served under a strict CSP) and what a visitor does there.
//     visits.forms = { html, script, css, steps: [page => ..., ...] }       a step is a moment at which the recording is compared
const run = code => page => page.evaluate(code);

const forms = {
    html: `<h1>An account</h1><form id="f"><label>Name <input name="name" placeholder="your name"></label><label>Mail <input type="email" name="mail" value="first@shop.example"></label>
      <input type="password" name="pw"><input type="search" id="open" data-monoscope-unmask placeholder="What for"><textarea name="words">some words</textarea>
      <select name="size"><option>small</option><option selected>large</option></select><label><input type="checkbox" name="news"> news</label>
      <label><input type="radio" name="r" value="a" checked> a</label><label><input type="radio" name="r" value="b"> b</label><fieldset disabled><input name="off" value="off"></fieldset>
      <div contenteditable id="free">free text</div><p id="wrong" role="alert" hidden></p><button type="button" id="b">Send</button></form><output id="o" data-monoscope-unmask></output>`,
    script: `const $ = id => document.getElementById(id);
      $("b").onclick = () => { $("wrong").hidden = false; $("wrong").textContent = "mail is not right"; $("b").classList.toggle("busy"); $("o").value = "sent " + new Date(0).toISOString(); };
      $("f").addEventListener("input", event => event.target.classList.add("dirty"));`,
    steps: [
        page => page.type("[name=name]", "Ann Example"), page => page.fill("[name=mail]", "ann@mail.example"), page => page.type("[name=pw]", "hunter2"),
        page => page.type("#open", "green tea"), page => page.fill("[name=words]", "other\nwords"), page => page.selectOption("select", "small"),
        page => page.check("[name=news]"), page => page.check("[value=b]"), page => page.click("#b"), page => page.type("#free", "more "),
    ],
};
const routing = {
    html: `<nav><a href="/shop" id="shop">shop</a> <a href="/cart" id="cart">cart</a> <a href="#/deep" id="deep">deep</a></nav><main id="main"></main>`,
    script: `let turn = 0;
      const view = name => { const section = document.createElement("section"); section.className = "view " + name; section.innerHTML = "<h2>" + name + " " + ++turn + "</h2><ul>" + Array.from({ length: 30 + turn }, (_, i) => '<li class="row r' + (i % 3) + '"><b>' + name + "</b> item " + i + "</li>").join("") + "</ul>";
        document.getElementById("main").replaceChildren(section); document.title = name; };
      addEventListener("click", event => { const a = event.target.closest("a"); if (!a) return; event.preventDefault(); history.pushState({}, "", a.getAttribute("href")); view(a.id); });
      addEventListener("popstate", () => view("back")); view("home");`,
    steps: [page => page.click("#shop"), page => page.click("#cart"), page => page.click("#deep"), page => page.goBack(), page => page.goBack(), page => page.click("#shop"),
        run(() => document.querySelectorAll("li.r1").forEach(row => row.remove())), run(() => document.querySelector("ul").append(...[...document.querySelectorAll("li")].reverse())),
        run(() => history.replaceState({}, "", "/shop?page=2")), page => page.click("#cart")],
};
const frames = {
    html: `<h1>Frames</h1><iframe id="a" src="/frame" width="300" height="120"></iframe><div id="more"></div>`,
    script: ``,
    steps: [
        page => page.frameLocator("#a").locator("p").waitFor(), page => page.frameLocator("#a").locator("input").fill("in a frame"),
        run(() => document.getElementById("a").contentDocument.querySelector("p").append(" and more")),
        run(() => { const frame = document.createElement("iframe"); frame.id = "b"; document.getElementById("more").append(frame); frame.contentDocument.body.innerHTML = "<h3 class=made>written by the page</h3>"; }),
        run(() => document.getElementById("b").contentDocument.querySelector("h3").after(document.getElementById("b").contentDocument.createElement("hr"))),
        async page => { await page.evaluate(() => { const frame = document.createElement("iframe"); frame.id = "c"; frame.srcdoc = "<p class=doc>from srcdoc<iframe id=inner src=/frame></iframe>"; document.getElementById("more").append(frame); });
            await page.frameLocator("#c").frameLocator("#inner").locator("p").waitFor(); },
        run(() => document.getElementById("c").contentDocument.getElementById("inner").contentDocument.body.append("deep")),
        page => page.frameLocator("#a").locator("button").click(), run(() => document.getElementById("b").remove()),
        async page => { await page.evaluate(() => { document.getElementById("a").src = "/frame?second"; }); await page.frameLocator("#a").locator("#second").waitFor({ state: "attached" }); },
    ],
};
const shadow = {
    html: `<shop-card id="one"><span>in a slot</span></shop-card><div id="rest"></div>`,
    script: `class Card extends HTMLElement {
        constructor() { super(); const root = this.attachShadow({ mode: "open" }); root.append("text that stands alone"); const box = document.createElement("div"); box.className = "box"; box.innerHTML = "<h3>card</h3><slot></slot><input value=typed>"; root.append(box);
          const sheet = new CSSStyleSheet(); sheet.replaceSync(".box { color: rgb(10, 20, 30) } h3 { color: rgb(1, 2, 3) }"); root.adoptedStyleSheets = [sheet]; this.sheet = sheet; }
        set count(n) { this.shadowRoot.querySelector("h3").textContent = "card " + n; } }
      customElements.define("shop-card", Card);`,
    steps: [
        run(() => { one.count = 1; }), run(() => { one.shadowRoot.firstChild.data = "other text alone"; }), run(() => { rest.append(Object.assign(document.createElement("shop-card"), { id: "two" })); }),
        run(() => { two.shadowRoot.querySelector(".box").append(document.createElement("shop-card")); }), run(() => { two.shadowRoot.querySelector("shop-card").count = 7; }),
        run(() => { one.shadowRoot.prepend("first "); one.shadowRoot.append("last"); }), run(() => { one.sheet.replaceSync(".box { color: rgb(90, 80, 70) }"); }),
        run(() => { one.sheet.insertRule("h3 { color: rgb(9, 9, 9) }"); }), page => page.locator("#one input").fill("other"), run(() => { two.remove(); one.append("slotted"); }),
    ],
};
const list = {
    html: `<h1>10,000 rows</h1><div id="box"><div id="all"></div></div>`,
    css: `#box { height: 300px; overflow: auto } #all { position: relative; height: 200000px } .row { position: absolute; height: 20px }`,
    script: `const box = document.getElementById("box"), all = document.getElementById("all"), rows = new Map();
      const draw = () => { const first = Math.floor(box.scrollTop / 20); for (const [n, row] of rows) if (n < first || n > first + 20) { row.remove(); rows.delete(n); }
        for (let n = first; n <= first + 20; n++) if (!rows.has(n)) { const row = document.createElement("div"); row.className = "row n" + n % 5; row.style.top = n * 20 + "px"; row.textContent = "row " + n; rows.set(n, row); all.append(row); } };
      box.addEventListener("scroll", draw); draw();`,
    steps: [300, 5000, 5100, 90000, 199000, 0, 40, 12345, 12500, 50000].map(top => async page => {
        await page.evaluate(async top => { document.getElementById("box").scrollTop = top; await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))); }, top);
    }),
};
const errors = {
    html: `<button id="b">break</button><ol id="log" data-monoscope-unmask></ol>`,
    script: `const say = text => { const line = document.createElement("li"); line.textContent = text; document.getElementById("log").append(line); };
      document.getElementById("b").onclick = () => { say("clicked"); throw new TypeError("the page broke"); };
      window.ask = async path => { try { const answer = await fetch(path); say(path + " " + answer.status); } catch (error) { say(error.name); } };
      window.say = say;`,
    steps: [page => page.click("#b"), run(() => ask("/api/ok")), run(() => ask("/api/fail")), run(() => ask("http://127.0.0.1:9/")), run(() => { console.error("on the console", { secret: 1 }); say("console"); }),
        run(() => { Promise.reject(new Error("promised")); say("promise"); }), async page => { for (let i = 0; i < 5; i++) await page.click("#b", { delay: 5 }); }, run(() => { document.getElementById("log").replaceChildren(); say("cleared"); }),
        run(() => { try { document.styleSheets[0]?.insertRule("{{{"); } catch (error) { say(error.name); } }), run(() => { try { document.body.append(document.body.parentNode); } catch (error) { say(error.name); } })],
};
const offline = {
    html: `<ul id="u"></ul>`,
    script: `let n = 0; window.grow = count => { for (let i = 0; i < count; i++) { const one = document.createElement("li"); one.textContent = "line " + n++; document.getElementById("u").append(one); } };`,
    steps: [run(() => grow(5)), (page, relay) => { relay.is_away = true; return page.evaluate(() => grow(5)); }, ...Array.from({ length: 6 }, (_, i) => async page => { await page.evaluate(i => grow(10 + i), i); await page.waitForTimeout(1600); }),
        (page, relay) => { relay.is_away = false; return page.evaluate(() => grow(3)); }, run(() => document.querySelector("li").remove())],
};
const closed = {
    html: `<p id="p">a tab that is closed</p>`,
    script: ``,
    ends: "close",
    steps: Array.from({ length: 10 }, (_, i) => page => page.evaluate(i => { const one = document.createElement(i % 2 ? "b" : "i"); one.textContent = "step " + i; one.className = "s" + i; document.getElementById("p").append(one); }, i)),
};
const svg = {
    html: `<svg id="s" width="400" height="200" viewBox="0 0 400 200"><defs><linearGradient id="g"><stop offset="0" stop-color="red"/></linearGradient><symbol id="dot" viewBox="0 0 2 2"><circle cx="1" cy="1" r="1"/></symbol></defs>
      <rect width="400" height="200" fill="url(#g)"/><g id="bars"></g><use id="use" href="#dot" x="5" y="5" width="20" height="20"/><text id="t" x="10" y="20">a chart</text><foreignObject width="90" height="40"><p>in a picture</p></foreignObject></svg>`,
    script: `const NS = "http://www.w3.org/2000/svg"; window.bar = (i, h) => { const rect = document.createElementNS(NS, "rect"); rect.setAttribute("x", i * 20); rect.setAttribute("y", 200 - h); rect.setAttribute("width", 18); rect.setAttribute("height", h); rect.setAttribute("class", "bar b" + i); document.getElementById("bars").append(rect); return rect; };`,
    steps: [run(() => { for (let i = 0; i < 10; i++) bar(i, i * 15); }), run(() => document.querySelectorAll(".bar").forEach((one, i) => one.setAttribute("height", 100 - i * 9))), run(() => { t.textContent = "another chart"; }),
        run(() => s.setAttribute("viewBox", "0 0 800 400")), run(() => use.setAttribute("transform", "translate(30 4) rotate(20)")), run(() => { const path = document.createElementNS("http://www.w3.org/2000/svg", "path"); path.setAttribute("d", "M0 0L10 10H90V90Z"); path.setAttribute("fill", "none"); path.style.stroke = "rgb(4, 5, 6)"; bars.before(path); }),
        run(() => document.querySelectorAll(".bar:nth-child(odd)").forEach(one => one.remove())), run(() => { document.querySelector("foreignObject p").innerHTML = "<b>bold</b> and not"; }), run(() => g.firstElementChild.setAttribute("stop-color", "blue")), run(() => { for (let i = 20; i < 40; i++) bar(i, 50); })],
};
const cssom = {
    html: `<style id="sheet">.a { color: rgb(1, 1, 1) }</style><link rel="stylesheet" href="/more.css"><div class="a">first</div><div class="b">second</div><div class="c" style="color: rgb(7, 7, 7)">third</div><div class="linked">fourth</div>`,
    script: ``,
    steps: [run(() => { document.getElementById("sheet").sheet.insertRule(".b { color: rgb(2, 3, 4) }", 1); }), run(() => { document.getElementById("sheet").sheet.cssRules[0].style.setProperty("color", "rgb(50, 60, 70)"); }),
        run(() => { document.getElementById("sheet").sheet.deleteRule(1); }), run(() => { document.querySelector(".c").style.color = "rgb(8, 9, 10)"; }),
        run(() => { const sheet = new CSSStyleSheet(); sheet.replaceSync(".b { color: rgb(20, 0, 20) }"); document.adoptedStyleSheets = [sheet]; window.adopted = sheet; }), run(() => { adopted.insertRule(".a { color: rgb(30, 0, 30) !important }"); }),
        run(() => { const style = document.createElement("style"); document.head.append(style); style.sheet.insertRule(".c { background-color: rgb(200, 201, 202) }"); style.sheet.insertRule("@media screen { .linked { color: rgb(5, 5, 5) } }"); }),
        run(() => { document.getElementById("sheet").textContent = ".a { background-color: rgb(11, 12, 13) }"; }), run(() => { document.adoptedStyleSheets = []; }), run(() => { document.querySelector(".c").style.cssText = "color: rgb(99, 0, 0); margin-left: 4px"; })],
};
const drag = {
    html: `<ol id="o">${Array.from({ length: 12 }, (_, i) => `<li id="i${i}" class="card">card ${i}</li>`).join("")}</ol><div id="bin">bin</div>`,
    css: `.card { height: 24px; user-select: none } .held { opacity: .5 } #bin { height: 60px }`,
    script: `let held; addEventListener("pointerdown", event => { held = event.target.closest(".card"); held?.classList.add("held"); });
      addEventListener("pointermove", event => { if (!held) return; held.style.transform = "translate(" + event.clientX + "px, " + event.clientY + "px)"; });
      addEventListener("pointerup", event => { if (!held) return; held.style.transform = ""; held.classList.remove("held"); const under = document.elementsFromPoint(event.clientX, event.clientY).find(one => one !== held && one.matches(".card, #bin"));
        if (under?.id === "bin") held.remove(); else if (under) under.before(held); held = undefined; });`,
    steps: [[0, 5], [3, 9], [7, 1], [2, 11], [10, 0]].flatMap(([from, to]) => [
        async page => { const box = await page.locator(".card").nth(from % 8).boundingBox(); await page.mouse.move(box.x + 20, box.y + 8); await page.mouse.down(); await page.mouse.move(box.x + 60, box.y + 50, { steps: 4 }); },
        async page => { const box = await page.locator(to === 11 ? "#bin" : `.card >> nth=${to % 8}`).boundingBox(); await page.mouse.move(box.x + 10, box.y + 6, { steps: 4 }); await page.mouse.up(); }]),
};
const media = {
    html: `<video id="v" controls width="100"></video><audio id="a" controls></audio><canvas id="c" width="40" height="40"></canvas><img id="img" src="/pic.svg?v=3" alt="a picture"><details id="d"><summary>more</summary><p>hidden text</p></details>
      <dialog id="dialog"><p>a dialog</p></dialog><table id="t"><tbody></tbody></table><progress id="p" max="10" value="1"></progress><div class="monoscope-block" id="blocked"><p>blocked</p></div><div id="theme" data-theme="dark" data-user="Ann Example" aria-label="of Ann" title="tip" lang="en">themed</div>`,
    script: `window.fill = n => { document.querySelector("tbody").innerHTML = Array.from({ length: n }, (_, i) => "<tr><td>" + (n - i) + "</td><td>cell " + i + "</td></tr>").join(""); };`,
    steps: [run(() => fill(40)), run(() => { d.open = true; }), run(() => dialog.showModal()), run(() => dialog.close()), run(() => document.querySelector("tbody").append(...[...document.querySelectorAll("tr")].sort((a, b) => a.cells[0].textContent - b.cells[0].textContent))),
        run(() => { document.getElementById("p").value = 7; theme.dataset.theme = "light"; theme.title = "other tip"; }), run(() => { blocked.firstChild.textContent = "still blocked"; blocked.append("new in blocked"); }),
        run(() => { for (let i = 0; i < 300; i++) { const one = document.createElement("tr"); one.innerHTML = "<td>" + i + "<td>late"; document.querySelector("tbody").prepend(one); } }), run(() => { document.querySelectorAll("tr:nth-child(3n)").forEach(one => one.remove()); v.volume = 0.5; }),
        run(() => { img.src = "/pic.svg?v=4"; const rows = document.querySelectorAll("tr"); rows[5].before(rows[50]); rows[50].after(rows[2]); rows[0].replaceWith(rows[9]); })],
};

export const visits = { forms, routing, frames, shadow, list, errors, offline, closed, svg, cssom, drag, media };
export const FRAME = `<!doctype html><body><p>in a frame</p><input value="typed"><button>press</button><script src="/frame.js"></script>`;
export const FRAME_JS = `document.querySelector("button").onclick = () => document.body.append("pressed"); if (location.search) document.body.append(Object.assign(document.createElement("i"), { id: "second" }));`;
