/* The dialogs of saved views and links, with what the view shows now. */
import type { Range } from "../time";
import { SaveSheet, ViewsSheet } from "./saved_sheets";
import { ShareSheet } from "./share_sheet";
import { SaveToDashboard } from "../dashboards/save_sheet";
import { panel_draft, type SheetName } from "./sheets";

export default function Sheets({ name, title, range, onClose }: { name: SheetName; title: string; range: Range; onClose: () => void }) {
  if (name === "save") return <SaveSheet title={title} onClose={onClose} />;
  if (name === "views") return <ViewsSheet onClose={onClose} />;
  if (name === "dashboard" && panel_draft.value) return <SaveToDashboard panel={panel_draft.value} onClose={onClose} />;
  return name === "share" ? <ShareSheet title={title} range={range} onClose={onClose} /> : null;
}
