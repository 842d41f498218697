/* What can be done with a field, and with its value where there is one: the same menu wherever a field stands. */
import { Menu, type MenuItem } from "../frame/menu";
import { copy } from "../frame/toast";
import "./row.css";

export interface AttributeActs {
  onFilter?: ((name: string, value: string, is_excluded: boolean) => void) | undefined;
  onGroup?: ((name: string) => void) | undefined;
  onMeasure?: ((name: string) => void) | undefined;
  onColumn?: ((name: string) => void) | undefined;
}
const VALUE_MAX = 500; /* of a filter: what is longer is no value to look for */

export function FieldMenu({ name, value, acts, is_column = false }: { name: string; value?: string; acts: AttributeActs; is_column?: boolean }) {
  const items = () => {
    const list: (MenuItem | false | undefined)[] = [
      value !== undefined && acts.onFilter && { text: "Only rows with this value", run: () => acts.onFilter?.(name, value.slice(0, VALUE_MAX), false) },
      value !== undefined && acts.onFilter && { text: "Without this value", run: () => acts.onFilter?.(name, value.slice(0, VALUE_MAX), true) },
      acts.onGroup && { text: `Group by ${name}`, run: () => acts.onGroup?.(name) },
      acts.onMeasure && { text: `Measure ${name}`, run: () => acts.onMeasure?.(name) },
      acts.onColumn && { text: is_column ? "Take the column away" : "Show as a column", run: () => acts.onColumn?.(name) },
      value !== undefined && { text: "Copy value", run: () => void copy(value, "value") },
      { text: "Copy name", run: () => void copy(name, "name") },
    ];
    return list.filter((item): item is MenuItem => !!item);
  };
  return (
    <Menu label={`What can be done with ${name}`} items={items} button_class="plain field-menu">
      ⋯
    </Menu>
  );
}
