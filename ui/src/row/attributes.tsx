/* Names and values of a row, each with the menu of what can be done with it. */
import { FieldMenu, type AttributeActs } from "./field_menu";
import type { Attribute } from "./flat";
import "./row.css";

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
                <div class="attribute-value">
                  <span class="told mono">{one.value.length > SHOWN ? `${one.value.slice(0, SHOWN)} … (${one.value.length} characters)` : one.value}</span>
                  <FieldMenu name={one.name} value={one.value} acts={acts} />
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
