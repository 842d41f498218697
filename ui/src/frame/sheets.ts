/* Which dialog of saved views and links is open; the dialogs themselves come when one is (saved_sheets.tsx). */
import { signal } from "@preact/signals";

export type SheetName = "" | "save" | "views" | "share";
export const sheet_open = signal<SheetName>("");
