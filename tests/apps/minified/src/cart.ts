export interface Item {
  name: string;
  price?: { cents: number };
}

function centsOf(item: Item): number {
  return item.price!.cents;
}

/** What all of them cost together. */
export function sumOf(items: Item[]): number {
  return items.map((item) => centsOf(item)).reduce((a, b) => a + b, 0);
}
