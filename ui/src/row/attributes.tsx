/* Names and values of a row, each with what can be done with it: filter, exclude, group by, column, copy. */
import { copy } from "../frame/toast";
import type { Attribute } from "./flat";
import "./row.css";

export interface AttributeActs {
  onFilter?: ((name: string, value: string, is_excluded: boolean) => void) | undefined;
  onGroup?: ((name: string) => void) | undefined;
  onColumn?: ((name: string) => void) | undefined;
}
const SHOWN = 4000;

export function Attributes({ title, list, acts }: { title: string; list: readonly Attribute[]; acts: AttributeActs }) {
  if (list.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <table class="attributes">
        <tbody>
          {list.slice(0, 1000).map((one) => (
            <tr key={one.name}>
              <th class="told">{one.name}</th>
              <td>
                <span class="told mono">{one.value.length > SHOWN ? `${one.value.slice(0, SHOWN)} … (${one.value.length} characters)` : one.value}</span>
                <span class="attribute-acts">
                  {acts.onFilter && (
                    <>
                      <button class="plain" aria-label={`Only rows with this ${one.name}`} onClick={() => acts.onFilter?.(one.name, one.value.slice(0, 500), false)}>
                        only
                      </button>
                      <button class="plain" aria-label={`Without rows with this ${one.name}`} onClick={() => acts.onFilter?.(one.name, one.value.slice(0, 500), true)}>
                        without
                      </button>
                    </>
                  )}
                  {acts.onGroup && (
                    <button class="plain" aria-label={`Group by ${one.name}`} onClick={() => acts.onGroup?.(one.name)}>
                      group
                    </button>
                  )}
                  {acts.onColumn && (
                    <button class="plain" aria-label={`${one.name} as a column`} onClick={() => acts.onColumn?.(one.name)}>
                      column
                    </button>
                  )}
                  <button class="plain" aria-label={`Copy ${one.name}`} onClick={() => void copy(one.value, "value")}>
                    copy
                  </button>
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
