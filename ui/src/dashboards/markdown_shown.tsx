/* Words of a panel, as elements: nothing of them is ever HTML. */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { project_path } from "../url";
import { markdown_read, type Block, type Inline } from "./markdown";

export function Markdown({ text }: { text: string }) {
  const blocks = useMemo(() => markdown_read(text), [text]);
  return (
    <div class="markdown told">
      {blocks.map((block, at) => (
        <Shown key={at} block={block} />
      ))}
    </div>
  );
}

function Shown({ block }: { block: Block }) {
  if (block.is === "rule") return <hr />;
  if (block.is === "code")
    return (
      <pre>
        <code>{block.text}</code>
      </pre>
    );
  if (block.is === "list") {
    const items = block.items.map((item, at) => <li key={at}>{words(item)}</li>);
    return block.is_ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
  }
  if (block.is === "quote") return <blockquote>{words(block.inside)}</blockquote>;
  if (block.is === "paragraph") return <p>{words(block.inside)}</p>;
  return block.level <= 1 ? <h3 class="markdown-first">{words(block.inside)}</h3> : block.level === 2 ? <h4>{words(block.inside)}</h4> : <h5>{words(block.inside)}</h5>;
}

function words(list: readonly Inline[]): ComponentChildren {
  return list.map((one, at) => {
    if (one.is === "text") return one.text;
    if (one.is === "code") return <code key={at}>{one.text}</code>;
    if (one.is === "strong") return <strong key={at}>{words(one.inside)}</strong>;
    if (one.is === "em") return <em key={at}>{words(one.inside)}</em>;
    return (
      <a key={at} href={one.href.startsWith("/") ? one.href : project_path(one.href)}>
        {words(one.inside)}
      </a>
    );
  });
}
