import { sumOf, Item } from './cart';

export class Checkout {
  private readonly items: Item[];

  constructor(items: Item[]) {
    this.items = items;
  }

  private total = (): number => sumOf(this.items);

  pay(): string {
    const cents = this.total();
    return `${cents} cents`;
  }
}
