// A document as a list of texts, one a node, so that a page and its replay can be compared. It runs in both and shares nothing with the SDK:
// is_masked: as the recording should show it (letters of masked text are "*"); in the replay: as it is.
export function dom_list(root, is_masked) {
    const list = [], SECRET = /pass|^pw$/;
    const up = node => node.parentElement ?? (node.getRootNode().host || node.ownerDocument.defaultView?.frameElement);
    const says = node => { for (let at = node.nodeType === 1 ? node : node.parentElement ?? node.getRootNode().host; at; at = up(at)) { if (at.matches(".monoscope-mask, [data-monoscope-mask]")) return "mask"; if (at.matches(".monoscope-unmask, [data-monoscope-unmask]")) return "unmask"; } return "mask"; };
    const shown = (node, text) => is_masked && says(node) === "mask" ? text.replace(/\S/g, "*") : text;
    const SKIP = new Set(["script", "noscript", "meta", "link", "style", "title", "base"]);
    const KEPT = ["id", "class", "type", "colspan", "d", "x", "y", "width", "height", "viewBox", "fill", "stop-color", "transform", "open", "disabled", "hidden", "data-theme", "lang"], TEXTS = ["title", "alt", "placeholder", "aria-label", "data-user"];
    function element(node, path) {
        const tag = node.localName, view = node.ownerDocument.defaultView, parts = [];
        for (const name of KEPT) {
            const value = name === "class" ? [...node.classList].filter(one => !/^(rr-block|rrweb-paused|:hover|:focus)$/.test(one)).join(" ") : node.getAttribute(name);
            if (value !== null && (value !== "" || name !== "class")) parts.push(`${name}=${value}`);
        }
        for (const name of TEXTS) if (node.hasAttribute(name)) parts.push(`${name}=${shown(node, node.getAttribute(name))}`);
        const is_blocked = node.matches(".monoscope-block, [data-monoscope-block]");
        if (is_blocked) return list.push(`${path} <${tag} blocked>`);
        if (tag === "textarea" || tag === "input" && !["number", "date", "range", "color", "checkbox", "radio", "file"].includes(node.type)) {
            const is_secret = is_masked && (node.type === "password" || SECRET.test(node.name));
            parts.push(`value=${is_secret ? (node.value ? "********" : "") : shown(node, node.value)}`);
        }
        if (node.type === "checkbox" || node.type === "radio") parts.push(`checked=${node.checked}`);
        if (tag === "progress") parts.push(`value=${node.value}`);
        const style = view?.getComputedStyle(node);
        if (style) parts.push(style.color, style.backgroundColor, style.display);
        list.push(`${path} <${tag} ${parts.join(" ")}>`);
        if (tag === "iframe") { if (node.contentDocument?.documentElement) children(node.contentDocument, `${path}/document`); return undefined; }
        if (tag === "textarea") return undefined;
        if (node.shadowRoot) children(node.shadowRoot, `${path}/shadow`);
        return children(node, path);
    }
    function children(parent, path) {
        let n = 0, text = "", owner;
        const end = () => { if (text.trim()) list.push(`${path}/${n++} "${shown(owner, text).replace(/\s+/g, " ").trim()}"`); text = ""; };
        for (const node of parent.childNodes) {
            if (node.nodeType === 3) { text += node.data; owner = node; } else if (node.nodeType === 1) {
                if (SKIP.has(node.localName)) continue;
                end();
                element(node, `${path}/${n++}`);
            }
        }
        end();
    }
    children(root, "");
    return list;
}

/* The share of nodes that both have, at the same place and with the same content. */
export function equal_share(page, replay) {
    const left = new Map();
    for (const one of replay) left.set(one, (left.get(one) ?? 0) + 1);
    const missing = [];
    for (const one of page) { const n = left.get(one) ?? 0; if (n > 0) left.set(one, n - 1); else missing.push(one); }
    const extra = [...left].flatMap(([one, n]) => Array(n).fill(one));
    return { equal: page.length - missing.length, of: Math.max(page.length, replay.length), missing, extra };
}
