// The site of replay_visits.js under a strict CSP, and a relay between its pages and Monoscope that can lose, double, delay and reorder.
//     const relay = await serve(given, visits)        relay.rules = [...]: what befalls recordings; relay.bodies: what came of them, as text
import http from "node:http";
import { gunzipSync } from "node:zlib";

const later = ms => new Promise(done => setTimeout(done, ms));
const body_of = request => new Promise(done => { const parts = []; request.on("data", part => parts.push(part)).on("end", () => done(Buffer.concat(parts))).on("error", () => done(undefined)); });

export async function serve(given, pages, frame, frame_js) {
    const origin = name => `http://127.0.0.1:${given.ports[name]}`;
    const csp = `default-src 'none'; script-src 'self' ${given.base}; connect-src 'self' ${origin("relay")} http://127.0.0.1:9; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-src 'self'; media-src 'self'`;
    const listen = (name, answer) => new Promise(begun => http.createServer((request, response) => { answer(request, response).catch(() => response.destroy()); }).listen(given.ports[name], "127.0.0.1", begun));
    const relay = { is_away: false, rules: [], bodies: [], befell: {}, options: {} };

    const start = name => `window.broken = []; addEventListener("error", event => window.broken.push(String(event.message)));
        window.m = monoscope.start({ service: "visits", version: "1.2.3", environment: "test", endpoint: ${JSON.stringify(origin("relay"))}, key: ${JSON.stringify(given.key)}, replay: true, attributes: { visit: ${JSON.stringify(name)} }, ...${JSON.stringify(relay.options)} });`;
    await listen("page", async (request, response) => {
        const [path] = request.url.split("?"), [, kind, name] = path.split("/"), page = pages[name] ?? pages[kind];
        const [status, type, body] = path.startsWith("/start/") ? [200, "text/javascript", start(name)] : path.startsWith("/script/") ? [200, "text/javascript", page.script]
            : path === "/frame" ? [200, "text/html", frame] : path === "/frame.js" ? [200, "text/javascript", frame_js] : path === "/more.css" ? [200, "text/css", ".linked { color: rgb(3, 30, 3) }"]
                : path === "/pic.svg" ? [200, "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`] : path === "/api/fail" ? [500, "text/plain", "no"] : path.startsWith("/api/") ? [200, "application/json", "{}"]
                    : path.startsWith("/css/") ? [200, "text/css", page.css ?? ""] : page ? [200, "text/html", `<!doctype html><html><head><title>${kind}</title><link rel="stylesheet" href="/css/${kind}"><script nonce="once" src="${given.base}/sdk/monoscope.js"></script><script nonce="once" src="/start/${kind}"></script></head><body>${page.html}<script nonce="once" src="/script/${kind}"></script></body></html>`]
                        : [404, "text/plain", "none"];
        response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body), "content-security-policy": relay.csp ?? csp });
        response.end(body);
    });

    await listen("relay", async (request, response) => {
        if (relay.is_away) return request.socket.destroy();
        const body = await body_of(request);
        if (body === undefined) return undefined;
        const is_replay = request.method === "POST" && request.url.startsWith("/v1/replay");
        const rule = is_replay ? relay.rules.shift() : undefined;
        if (rule) relay.befell[rule] = (relay.befell[rule] ?? 0) + 1;
        if (rule === "lost") return request.socket.destroy(); /* it never came: the page tries again */
        if (is_replay) relay.bodies.push((request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body).toString("utf8"));
        if (rule === "swallowed") { /* the page believes that it came */
            response.writeHead(200, { "access-control-allow-origin": origin("page") });
            return response.end("{}");
        }
        if (rule === "asked") { /* as the server asks for a snapshot */
            response.writeHead(200, { "access-control-allow-origin": origin("page"), "content-type": "application/json" });
            return response.end(`{"snapshot": true}`);
        }
        if (rule === "late") await later(2500);
        const onward = () => new Promise((done, failed) => {
            const asked = http.request({ host: "127.0.0.1", port: given.http, method: request.method, path: request.url, headers: { ...request.headers, "content-length": body.length, host: `127.0.0.1:${given.http}` } }, answer => {
                const parts = [];
                answer.on("data", part => parts.push(part)).on("end", () => done([answer, Buffer.concat(parts)])).on("error", failed);
            });
            asked.on("error", failed);
            asked.end(body);
        });
        if (rule === "reordered") { /* it is answered now, and goes on after those that come later */
            setTimeout(() => onward().catch(() => undefined), 4000);
            response.writeHead(200, { "access-control-allow-origin": origin("page") });
            return response.end("{}");
        }
        const [answer, text] = await onward();
        if (rule === "doubled") await onward();
        if (rule === "unanswered") return request.socket.destroy(); /* it came, and the page does not know */
        response.writeHead(answer.statusCode, answer.headers);
        return response.end(text);
    });
    relay.origin = origin;
    return relay;
}
