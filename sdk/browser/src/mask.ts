/* What of a page's document may be recorded. By default no text and nothing that was typed: letters become "*", so that the page keeps
 * its shape. What is told apart by an element is told by the nearest one that says something:
 *
 *   block    data-monoscope-block, .monoscope-block     a box of the same size, nothing of what is inside
 *   mask     data-monoscope-mask, .monoscope-mask       text and inputs become "*", also within what is unmasked
 *   unmask   data-monoscope-unmask, .monoscope-unmask   as it is; but never passwords, payment, one-time codes, hidden inputs, card numbers, tokens
 *
 * and by the selectors of the settings. Where it cannot be known (an element outside of the document), it is masked. */
import { cards_replace, url_scrub } from "./scrub";

export interface MaskOptions {
  /* Selectors, beside the attributes and classes above. */
  block?: readonly string[];
  mask?: readonly string[];
  unmask?: readonly string[];
  /* false: text (inputs) that nothing speaks of is recorded as it is. */
  maskAllText?: boolean;
  maskAllInputs?: boolean;
  /* Attributes that hold nothing private, so that styles which ask for them work: "data-theme". */
  keepAttributes?: readonly string[];
}

const VALUE_MAX = 100_000;
const SECRET_SHOWN = "********"; /* its length is nobody's affair either */
const BLANK_IMAGE = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";
const JWT = /\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g;
const EMAIL = /[^\s/?#&=:@"'<>]+(?:@|%40)[^\s/?#&=:@"'<>]+\.[a-z]{2,}/gi;
const SECRET_NAME = /pass(?:word|wd|code|phrase)|^pwd$|secret|token|csrf|\botp\b|one.?time|\bpin\b|card.?(?:num|no|code|holder)|cc.?(?:num|exp|csc|name)|cvv|cvc|\bcsc\b|security.?code|expir|iban|account.?(?:num|no)|routing|\bssn\b|social.?sec/i;
const SECRET_AUTOCOMPLETE = /(?:^|\s)(?:cc-|one-time-code|current-password|new-password)/i;
const STATE = /^(?:|-?\d{1,4}(?:\.\d{1,4})?(?:px|%|r?em)?|true|false|yes|no|on|off|open|closed?|checked|unchecked|mixed|indeterminate|loading|loaded|idle|(?:in)?active|visible|hidden|expanded|collapsed|selected|current|page|step|top|bottom|left|right|start|end|center|horizontal|vertical|ltr|rtl|dark|light|auto|none|primary|secondary|small|medium|large|xs|sm|md|lg|xl|polite|assertive|both|all|dialog|menu|listbox|tree|grid|ascending|descending)$/i;
const words = (text: string) => new Set(text.split(" "));
const PLAIN = words("class id type role name for form tabindex dir lang hidden disabled checked selected multiple readonly required open colspan rowspan span align valign bgcolor border cellpadding cellspacing color face size cols rows wrap width height min max step maxlength minlength controls loop muted playsinline preload crossorigin charset rel media sizes loading decoding target method enctype autocomplete inputmode enterkeyhint spellcheck contenteditable draggable allowfullscreen slot part exportparts is popover popovertarget popovertargetaction inert start reversed nowrap frame rules scope headers shape coords usemap ismap kind low high optimum as list aria-labelledby aria-describedby aria-controls aria-owns aria-activedescendant aria-details aria-errormessage xmlns");
const ADDRESS = words("href src action formaction poster cite background data longdesc xlink:href rr_src manifest");
const MEDIA = words("img source video audio picture image track embed input");
const GONE = words("srcdoc nonce integrity ping http-equiv");
const META = words("viewport theme-color color-scheme charset");

export function stars(text: string): string {
  return text.replace(/\S/g, "*");
}

/* Of what may be seen: numbers of cards and tokens are not for anybody. */
export function visible_scrub(text: string): string {
  return cards_replace(text.replace(JWT, stars), stars);
}

function name_scrub(text: string): string {
  return visible_scrub(text).replace(EMAIL, stars);
}

/* The names of files that a build made of their content look like tokens: of files that a page consists of, the last part stays. */
const ASSET = /\/([\w.~@+-]+\.(?:css|m?js|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|otf|eot|mp4|webm|mp3|ogg|wav|vtt))$/i;

export class Mask {
  private readonly seen = new WeakSet<Element>(); /* once a password, always one: pages show them by changing the type */
  private readonly any: string;
  private readonly masked: string;
  readonly blocked: string;
  private readonly keep: Set<string>;
  readonly text_default: boolean;
  readonly input_default: boolean;

  /* Throws when a selector is none: whoever wanted something to be hidden must hear of it. */
  constructor(options: MaskOptions, private readonly keep_query: readonly string[]) {
    const list = (what: string, more: readonly string[] = []) => [`[data-monoscope-${what}]`, `.monoscope-${what}`, ...more].join(",");
    this.blocked = list("block", [".rr-block", ...(options.block ?? [])]);
    this.masked = list("mask", options.mask);
    this.any = `${this.masked},${list("unmask", options.unmask)}`;
    for (const selector of [this.blocked, this.any]) document.createDocumentFragment().querySelector(selector);
    this.keep = new Set(options.keepAttributes?.map((name) => name.toLowerCase()));
    this.text_default = options.maskAllText ?? true;
    this.input_default = options.maskAllInputs ?? true;
  }

  /* What the element itself says of masking. */
  own(element: Element): boolean | undefined {
    return element.matches(this.any) ? element.matches(this.masked) : undefined;
  }

  /* The nearest that matches, through shadow roots and frames; null: outside of the document. */
  private nearest(node: Node, selector: string): Element | undefined | null {
    let at: Node = node;
    for (;;) {
      const found = (at.nodeType === 1 ? (at as Element) : at.parentElement)?.closest(selector);
      if (found) return found;
      const root = at.getRootNode();
      if (root === document) return undefined;
      const next = root.nodeType === 11 ? (root as ShadowRoot).host : root.nodeType === 9 ? (root as Document).defaultView?.frameElement : undefined;
      if (!next) return null;
      at = next;
    }
  }

  is_blocked(node: Node): boolean {
    return !!this.nearest(node, this.blocked);
  }

  /* otherwise: what holds where nothing is said. */
  is_masked(node: Node, otherwise: boolean): boolean {
    const found = this.nearest(node, this.any);
    return found === undefined ? otherwise : found === null || found.matches(this.masked);
  }

  text(text: string, is_masked: boolean): string {
    return is_masked ? stars(text) : visible_scrub(text);
  }

  is_secret(element: Element): boolean {
    const input = element as HTMLInputElement;
    if (this.seen.has(element)) return true;
    const is_secret = input.type === "password" || input.type === "hidden" || element.hasAttribute("data-rr-is-password") || SECRET_AUTOCOMPLETE.test(element.getAttribute("autocomplete") ?? "")
      || ["name", "id", "placeholder", "aria-label"].some((name) => SECRET_NAME.test(element.getAttribute(name) ?? ""));
    if (is_secret) this.seen.add(element);
    return is_secret;
  }

  input(element: Element, value: string): string {
    if (this.is_secret(element)) return value && SECRET_SHOWN;
    const type = (element as HTMLInputElement).type;
    if (type === "submit" || type === "button" || type === "reset") return this.text(value, this.is_masked(element, this.text_default));
    if ((type === "checkbox" || type === "radio") && value === "on") return value;
    return this.text(value, this.is_masked(element, this.input_default));
  }

  page(url: string): string {
    return url_scrub(url, document.baseURI, this.keep_query);
  }

  private asset(url: string): string {
    const scrubbed = this.page(url), name = ASSET.exec(url.replace(/[?#].*$/, ""))?.[1];
    return name === undefined ? scrubbed : scrubbed.replace(/\/[^/?#]*(?=$|[?#])/, () => `/${name_scrub(name)}`);
  }

  css(text: string): string {
    let scrubbed = text;
    if (scrubbed.includes("url(")) scrubbed = scrubbed.replace(/url\(\s*(["']?)(?!["']?(?:#|data:))(.*?)\1\s*\)/gi, (_all, quote: string, url: string) => `url(${quote}${this.asset(url)}${quote})`);
    if (/content|--/.test(scrubbed)) scrubbed = scrubbed.replace(/((?:content|--[\w-]+)\s*:\s*)((?:[^;{}"']*(?:"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'))+)/gi, (_all, name: string, value: string) => name + value.replace(/"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'/g, (text) => text.replace(/\\[0-9a-f]{1,6}\s?|[\p{L}\p{N}]/giu, (one) => (one[0] === "\\" ? one : "*"))));
    return scrubbed;
  }

  /* The value of an attribute as it may be recorded; undefined: it is left out. */
  attribute(element: Element, name: string, value: string, is_masked: boolean): string | undefined {
    const key = name.toLowerCase(), tag = element.localName, is_svg = element.namespaceURI === "http://www.w3.org/2000/svg";
    if (key === "_csstext") return this.css(value);
    if (key.startsWith("rr_") && key !== "rr_src") return value;
    if (key.startsWith("on") || GONE.has(key)) return undefined;
    if (key === "style") return this.css(value);
    if (ADDRESS.has(key)) return this.address(element, tag, is_svg, value, is_masked);
    if (key === "srcset" || key === "imagesrcset") return value.replace(/[^\s,]\S*[^\s,]/g, (part) => (/^[\d.]+[wxh]$/.test(part) ? part : this.asset(part)));
    if (key === "value") return /^(?:li|progress|meter)$/.test(tag) ? value : this.input(element, value);
    if (tag === "meta" && key === "content") return META.has((element.getAttribute("name") ?? "").toLowerCase()) ? value : undefined;
    if (PLAIN.has(key) || this.keep.has(key)) return name_scrub(value);
    if (is_svg && !/^(?:data|aria)-|^(?:title|desc|content)$/.test(key)) return value.includes("url(") ? this.css(value) : visible_scrub(value);
    if (STATE.test(value) && !SECRET_NAME.test(key)) return value;
    return is_masked ? stars(value) : name_scrub(value);
  }

  private address(element: Element, tag: string, is_svg: boolean, value: string, is_masked: boolean): string {
    if (is_svg && value.includes("#")) {
      const [page, part = ""] = value.split("#");
      if (page === "" || page === location.href.replace(/#.*/, "")) return `#${name_scrub(part)}`;
    }
    if (/^data:/i.test(value) && MEDIA.has(tag)) return is_masked || value.length > VALUE_MAX ? BLANK_IMAGE : value;
    return tag === "a" || tag === "form" || tag === "iframe" || element.nodeType !== 1 ? this.page(value) : this.asset(value);
  }
}
