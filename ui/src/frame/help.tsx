/* "?": every shortcut that works here. */
import { shortcuts, show_keys } from "../keys";
import { Sheet } from "./sheet";

export function Help({ onClose }: { onClose: () => void }) {
  const groups = new Map<string, typeof shortcuts.value[number][]>();
  for (const shortcut of shortcuts.value) {
    const group = shortcut.group ?? "This page";
    groups.set(group, [...(groups.get(group) ?? []), shortcut]);
  }
  return (
    <Sheet title="Keyboard shortcuts" onClose={onClose}>
      <h1>Keyboard shortcuts</h1>
      <div class="help">
        {[...groups].map(([group, list]) => (
          <section key={group}>
            <h2>{group}</h2>
            <dl>
              {list.map((shortcut) => (
                <div key={shortcut.keys + shortcut.text}>
                  <dt>
                    {shortcut.keys.split(" ").map((key) => (
                      <kbd key={key}>{show_keys(key)}</kbd>
                    ))}
                  </dt>
                  <dd>{shortcut.text}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Sheet>
  );
}
