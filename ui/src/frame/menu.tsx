/* A button with a list of what can be done: in the top layer, so that nothing that scrolls cuts it off. Arrow keys, Home and End
 * move, Enter does it, Escape and a click elsewhere close it and give the focus back. Its items are made when it is opened. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

export interface MenuItem {
  text: string;
  run: () => void;
}
interface MenuProps {
  label: string; /* of the button and of the list */
  items: () => readonly MenuItem[];
  button_class?: string;
  children: ComponentChildren; /* in the button */
}

export function Menu({ label, items, button_class = "plain", children }: MenuProps) {
  const [is_open, set_open] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  /* At once, not after the next frame: the key after the one that opened it is the list's. */
  useLayoutEffect(() => {
    const popup = list.current;
    const from = button.current?.getBoundingClientRect();
    if (!is_open || !popup || !from) return;
    popup.showPopover();
    const { width, height } = popup.getBoundingClientRect();
    popup.style.left = `${Math.max(4, Math.min(from.left, window.innerWidth - width - 4))}px`;
    popup.style.top = `${from.bottom + height + 4 > window.innerHeight && from.top > height + 4 ? from.top - height - 2 : Math.min(from.bottom + 2, window.innerHeight - height - 4)}px`;
    popup.querySelector<HTMLElement>("[role=menuitem]")?.focus();
  }, [is_open]);
  const close = () => {
    list.current?.hidePopover();
    button.current?.focus();
  };
  const on_key = (event: KeyboardEvent) => {
    const all = [...(list.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: (at + 1) % all.length, ArrowUp: (at + all.length - 1) % all.length, Home: 0, End: all.length - 1 }[event.key];
    if (next !== undefined) all[next]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else if (event.key.length > 1) return;
    if (event.key.length > 1) event.preventDefault();
    event.stopPropagation(); /* a view's own keys are not meant */
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class={button_class}
        aria-haspopup="menu"
        aria-expanded={is_open}
        aria-label={label}
        onClick={(event) => {
          event.stopPropagation();
          set_open(!is_open);
        }}
      >
        {children}
      </button>
      {is_open && (
        <div ref={list} class="menu" role="menu" aria-label={label} popover="auto" onKeyDown={on_key} onClick={(event) => event.stopPropagation()} onToggle={(event) => (event as ToggleEvent).newState === "closed" && set_open(false)}>
          {items().map((item) => (
            <button
              key={item.text}
              type="button"
              class="plain"
              role="menuitem"
              tabIndex={-1}
              onClick={() => {
                close();
                item.run();
              }}
            >
              {item.text}
            </button>
          ))}
        </div>
      )}
    </>
  );
}
