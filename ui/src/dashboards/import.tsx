/* A dashboard from a file: YAML or JSON. One whose slug is taken is replaced only when a person says so. */
import { useRef } from "preact/hooks";
import { ApiProblem } from "../api/client";
import { toast } from "../frame/toast";
import { go, project_path } from "../url";
import { dashboard_import, dashboard_replace, type Dashboard } from "./load";

const BYTES_MAX = 1 << 20;
const told = (error: unknown) => toast(error instanceof ApiProblem && error.pointer ? `${error.pointer}: ${error.detail}` : error instanceof Error ? error.message : String(error), true);

export function Import({ onDone }: { onDone: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const open = (made: Dashboard) => {
    toast(`"${made.title}" is imported`);
    onDone();
    go(project_path(`dashboards/${made.slug}`));
  };
  const take = async (file: File) => {
    if (file.size > BYTES_MAX) return toast("the file is larger than a dashboard can be: 1 MiB", true);
    const text = await file.text();
    try {
      open(await dashboard_import(text));
    } catch (error) {
      const slug = /^slug:\s*"?([a-z0-9-]+)"?\s*$/m.exec(text)?.[1] ?? /"slug"\s*:\s*"([a-z0-9-]+)"/.exec(text)?.[1];
      if (error instanceof ApiProblem && error.status === 409 && slug)
        toast(`there is a dashboard "${slug}" already`, true, { text: "Replace it", run: () => void dashboard_replace(slug, text).then(open, told) });
      else told(error);
    }
  };
  return (
    <>
      <input
        ref={field}
        type="file"
        class="unseen"
        tabIndex={-1}
        aria-hidden="true"
        accept=".yaml,.yml,.json"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = "";
          if (file) void take(file);
        }}
      />
      <button onClick={() => field.current?.click()}>Import …</button>
    </>
  );
}
