/* What a project without rows shows: how to send the first one, with lines to paste and the person's own key. */
import { useState } from "preact/hooks";
import { api } from "../api/client";
import { project_name } from "../url";
import { toast } from "./toast";
import { Ways } from "./ways";

export function First() {
  const [key, set_key] = useState("");
  const make = async () => {
    try {
      const made = await api<{ secret: string }>(`/projects/${encodeURIComponent(project_name.value)}/keys`, {
        method: "POST",
        body: { name: `first key ${new Date().toISOString().slice(0, 10)}`, scopes: ["ingest"] },
      });
      set_key(made.secret);
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), true);
    }
  };
  return (
    <div class="state first">
      <h1>Nothing has been sent to {project_name.value} yet</h1>
      <p class="soft">Send with any OpenTelemetry SDK; the first row shows here within a second.</p>
      <Ways secret={key}>{key ? <span class="soft">The key is shown this once: keep it.</span> : <button onClick={() => void make()}>Put a new key in</button>}</Ways>
    </div>
  );
}
