/* Markdown as a tree: pure. The part of it that notes need: headings, lists, quotes, code, emphasis, links. Pictures and HTML are
 * not read: they stay the text that they are. A link leads to a page of ours, or is shown as its words and its address. */
export type Inline = { is: "text"; text: string } | { is: "code"; text: string } | { is: "strong"; inside: Inline[] } | { is: "em"; inside: Inline[] } | { is: "link"; href: string; inside: Inline[] };
export type Block = { is: "heading"; level: number; inside: Inline[] } | { is: "paragraph"; inside: Inline[] } | { is: "quote"; inside: Inline[] } | { is: "list"; is_ordered: boolean; items: Inline[][] } | { is: "code"; text: string } | { is: "rule" };

const DEPTH_MAX = 4;

/* Below the project ("explore?q=..."), or a path of ours: never a scheme, a host, or what climbs out. */
export function is_own_link(href: string): boolean {
  return /^(?:\/p\/[A-Za-z0-9%._~-]+\/)?[a-z][a-z-]*(?:\/[A-Za-z0-9%._~-]+)*(?:\?[^\s"<>\\^`{|}]*)?$/.test(href) && !/(^|\/)\.\.?(\/|$)/.test(href);
}

export function markdown_read(text: string): Block[] {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const blocks: Block[] = [];
  let paragraph: string[] = [];
  const end = () => {
    if (paragraph.length > 0) blocks.push({ is: "paragraph", inside: inline(paragraph.join("\n")) });
    paragraph = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    const item = /^\s*(?:([-*+])|(\d{1,9})[.)])\s+(.*)$/.exec(line);
    if (/^\s*```/.test(line)) {
      end();
      const code: string[] = [];
      for (at++; at < lines.length && !/^\s*```\s*$/.test(lines[at] ?? ""); at++) code.push(lines[at] ?? "");
      blocks.push({ is: "code", text: code.join("\n") });
    } else if (heading) {
      end();
      blocks.push({ is: "heading", level: (heading[1] ?? "").length, inside: inline(heading[2] ?? "") });
    } else if (/^\s*(?:-{3,}|\*{3,}|_{3,})\s*$/.test(line)) {
      end();
      blocks.push({ is: "rule" });
    } else if (item) {
      end();
      const is_ordered = item[2] !== undefined;
      const last = blocks.at(-1);
      const inside = inline(item[3] ?? "");
      if (last?.is === "list" && last.is_ordered === is_ordered && (lines[at - 1] ?? "").trim() !== "") last.items.push(inside);
      else blocks.push({ is: "list", is_ordered, items: [inside] });
    } else if (/^\s*>/.test(line)) {
      end();
      const quote: string[] = [];
      for (; at < lines.length && /^\s*>/.test(lines[at] ?? ""); at++) quote.push((lines[at] ?? "").replace(/^\s*>\s?/, ""));
      at--;
      blocks.push({ is: "quote", inside: inline(quote.join("\n")) });
    } else if (line.trim() === "") end();
    else paragraph.push(line);
  }
  end();
  return blocks;
}

const MARKS = /`([^`\n]+)`|\*\*([^*\n]+(?:\*[^*\n]+\*[^*\n]*)*)\*\*|\*([^*\s][^*\n]*)\*|(?<![A-Za-z0-9])_([^_\s][^_\n]*)_(?![A-Za-z0-9])|(?<!!)\[([^\]\n]+)\]\(([^)\s]+)\)/g;
export function inline(text: string, depth = 0): Inline[] {
  if (depth === DEPTH_MAX) return [{ is: "text", text }];
  const parts: Inline[] = [];
  let at = 0;
  const put = (words: string) => words && parts.push({ is: "text", text: words });
  for (const found of text.matchAll(MARKS)) {
    put(text.slice(at, found.index));
    at = found.index + found[0].length;
    const [whole, code, strong, star, under, words, href] = found;
    if (code !== undefined) parts.push({ is: "code", text: code });
    else if (strong !== undefined) parts.push({ is: "strong", inside: inline(strong, depth + 1) });
    else if (star !== undefined || under !== undefined) parts.push({ is: "em", inside: inline(star ?? under ?? "", depth + 1) });
    else if (words !== undefined && href !== undefined) {
      if (is_own_link(href)) parts.push({ is: "link", href, inside: inline(words, depth + 1) });
      else put(words === href ? href : `${words} (${href})`);
    } else put(whole);
  }
  put(text.slice(at));
  return parts;
}
