/* An event of rrweb, made fit to leave the page: every text, attribute, style, input and address in it goes by the rules of mask.ts. rrweb's
 * own masking is not used: it knows of no attributes, and not of text that stands directly in a shadow root. */
import { Mask, stars } from "./mask";

type Attribute = string | number | boolean | null | undefined | object;

/* A node as rrweb writes it: type 0 document, 1 doctype, 2 element, 3 text, 4 CDATA, 5 comment. */
export interface SerialNode {
  id: number;
  type: number;
  tagName?: string;
  attributes?: Record<string, Attribute>;
  childNodes?: SerialNode[];
  textContent?: string;
  isShadow?: boolean;
}

interface Rule {
  rule: string;
}

export interface ReplayEvent {
  type: number; /* 2 full snapshot, 3 incremental, 4 meta, 5 custom */
  timestamp: number;
  data: {
    source?: number;
    href?: string;
    node?: SerialNode;
    tag?: string;
    payload?: unknown;
    adds?: ({ node: SerialNode } & Rule)[];
    removes?: unknown[];
    texts?: { id: number; value: string | null }[];
    attributes?: { id: number; attributes: Record<string, Attribute> }[];
    id?: number;
    text?: string;
    replace?: string;
    replaceSync?: string;
    set?: { value: string | null };
    styles?: { rules: Rule[] }[];
    type?: number;
  };
}

export const FULL_SNAPSHOT = 2, INCREMENTAL = 3, META = 4, CUSTOM = 5;
const MUTATION = 0, INPUT = 5, STYLE_RULE = 8, FONT = 10, STYLE_DECLARATION = 13, ADOPTED = 15;

export class EventScrub {
  /* torn: what is kept cannot be told any more by changes alone. */
  constructor(
    private readonly mask: Mask, private readonly node_of: (id: number) => Node | null,
    private readonly css_of: (node: Node) => unknown, private readonly torn: () => void,
  ) {}

  /* false: nothing of it may be kept. */
  event(event: ReplayEvent): boolean {
    const { data, type } = event;
    if (type === META) data.href = this.mask.page(data.href ?? "");
    else if (type === FULL_SNAPSHOT && data.node) this.node(data.node, this.mask.text_default);
    else if (type === INCREMENTAL) return this.incremental(data);
    return true;
  }

  private incremental(data: ReplayEvent["data"]): boolean {
    const { mask } = this;
    if (data.source === MUTATION) return this.mutation(data);
    if ((data.source === STYLE_RULE || data.source === STYLE_DECLARATION) && this.is_empty_link(data.id)) {
      this.torn();
      return false;
    }
    if (data.source === INPUT) {
      const element = this.node_of(data.id ?? -1) as Element | null;
      if (!element || mask.is_blocked(element)) return false;
      data.text = mask.input(element, data.text ?? "");
    } else if (data.source === STYLE_RULE) {
      for (const add of data.adds ?? []) add.rule = mask.css(add.rule);
      if (data.replace) data.replace = mask.css(data.replace);
      if (data.replaceSync) data.replaceSync = mask.css(data.replaceSync);
    } else if (data.source === STYLE_DECLARATION) {
      if (typeof data.set?.value === "string") data.set.value = mask.css(data.set.value);
    } else if (data.source === ADOPTED) {
      for (const style of data.styles ?? []) for (const rule of style.rules) rule.rule = mask.css(rule.rule);
    } else if (data.source === FONT) return false;
    return true;
  }

  /* rrweb writes the style sheet of a <link> into the recording as a <style>, but not one without rules: its Replayer breaks
   * at rules for it, and at those for a <style> of an SVG. */
  private is_empty_link(id: number | undefined): boolean {
    const node = id === undefined ? null : this.node_of(id);
    return node?.nodeName === "LINK" ? !this.css_of(node) : node?.nodeName === "style"; /* so it is called in an SVG */
  }

  private mutation(data: ReplayEvent["data"]): boolean {
    const { mask } = this;
    if (data.adds) data.adds = data.adds.filter(({ node }) => {
      const real = this.node_of(node.id), parent = real && (real.parentNode ?? (real as Document).defaultView?.frameElement);
      if (parent && mask.is_blocked(parent)) return false;
      if (node.type === 0 && node.childNodes?.length === 0) return false; /* a frame that is still loading comes again, and rrweb's Replayer keeps the empty one */
      this.node(node, real ? mask.is_masked(real, mask.text_default) : true);
      return true;
    });
    if (data.texts) data.texts = data.texts.filter((text) => {
      const real = this.node_of(text.id);
      if (!real || mask.is_blocked(real)) return false;
      if (text.value) text.value = this.text(text.value, real.parentNode, mask.is_masked(real, mask.text_default));
      return true;
    });
    if (data.attributes) data.attributes = data.attributes.filter(({ id, attributes }) => {
      const real = this.node_of(id) as Element | null;
      if (!real || mask.is_blocked(real)) return false;
      this.attributes(real, attributes, mask.is_masked(real, mask.text_default));
      return Object.keys(attributes).length > 0;
    });
    return [data.adds, data.texts, data.attributes, data.removes].some((list) => list && list.length > 0);
  }

  private node(node: SerialNode, above: boolean): void {
    const real = this.node_of(node.id);
    let is_masked = above;
    if (node.type === 2 && node.attributes) {
      if (real) {
        is_masked = this.mask.own(real as Element) ?? above;
        this.attributes(real as Element, node.attributes, is_masked);
      } else node.attributes = {};
    } else if (node.type >= 3 && node.textContent) node.textContent = node.type === 3 ? this.text(node.textContent, real?.parentNode, is_masked) : "";
    for (const child of node.childNodes ?? []) this.node(child, is_masked);
  }

  private text(text: string, parent: Node | null | undefined, is_masked: boolean): string {
    const tag = parent?.nodeType === 1 ? (parent as Element).localName : "";
    if (tag === "style") return this.mask.css(text);
    if (tag === "script") return "SCRIPT_PLACEHOLDER";
    if (tag === "textarea") return this.mask.input(parent as Element, text);
    return tag === "noscript" ? stars(text) : this.mask.text(text, is_masked);
  }

  private attributes(element: Element, attributes: Record<string, Attribute>, is_masked: boolean): void {
    const { mask } = this;
    for (const name in attributes) {
      const value = attributes[name];
      if (name === "selected" && element.localName === "option" && mask.is_masked(element, mask.input_default)) delete attributes[name]; /* what was chosen */
      else if (typeof value === "string") {
        const scrubbed = mask.attribute(element, name, value, is_masked);
        if (scrubbed === undefined) delete attributes[name];
        else attributes[name] = scrubbed;
      } else if (name === "style" && typeof value === "object" && value !== null) {
        const styles = value as Record<string, unknown>; /* a difference: name: value, [value, priority], or false where it went */
        for (const key in styles) {
          const one = styles[key];
          if (typeof one === "string") styles[key] = mask.css(`${key}:${one}`).slice(key.length + 1);
          else if (Array.isArray(one)) one[0] = mask.css(`${key}:${String(one[0])}`).slice(key.length + 1);
        }
      }
    }
  }
}
