/* Which dialog of saved views and links is open; the dialogs themselves come when one is (saved_sheets.tsx). */
import { signal } from "@preact/signals";
import type { Panel } from "../dashboards/load";

export type SheetName = "" | "save" | "views" | "share" | "dashboard";
export const sheet_open = signal<SheetName>("");

/* What "Save to dashboard" saves. */
export const panel_draft = signal<Panel | undefined>(undefined);
export function panel_save(panel: Panel): void {
  panel_draft.value = panel;
  sheet_open.value = "dashboard";
}
