/* A dashboard while it is looked at and edited: what was read, what was made of it, the way back, saving. */
import { useEffect, useState } from "preact/hooks";
import { ApiProblem } from "../api/client";
import { toast } from "../frame/toast";
import { change, param } from "../url";
import { begun, done, redone, undone, type History } from "./history";
import { content_of, dashboard_save, type Content, type Read } from "./load";

interface Kept {
  read: Read;
  history: History;
}
const kept = new Map<string, Kept>(); /* edited and not saved */

export interface Editing {
  content: Content;
  read: Read;
  is_on: boolean;
  is_changed: boolean;
  can_undo: boolean;
  can_redo: boolean;
  is_saving: boolean;
  apply: (next: Content) => void;
  undo: () => void;
  redo: () => void;
  save: () => void;
  leave: () => void; /* what was not saved is gone */
  take: (read: Read) => void; /* another version is the current one */
}

export function useEditing(slug: string, first: Read, again: () => void): Editing {
  const [state, set_state] = useState<Kept>(() => kept.get(slug) ?? { read: first, history: begun(content_of(first.dashboard)) });
  const [is_saving, saving] = useState(false);
  const { read, history } = state;
  const is_changed = history.before.length > 0;
  const set = (next: Kept) => {
    if (next.history.before.length > 0) kept.set(slug, next);
    else kept.delete(slug);
    set_state(next);
  };
  useEffect(() => {
    if (!is_changed) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [is_changed]);
  const take = (next: Read) => set({ read: next, history: begun(content_of(next.dashboard)) });
  const save = () => {
    saving(true);
    dashboard_save(slug, history.now, read.tag)
      .then(
        (next) => {
          take(next);
          toast(`"${next.dashboard.title}" is saved`);
          change({ edit: null, editor: null }, true);
        },
        (error: unknown) => {
          if (error instanceof ApiProblem && error.status === 412)
            toast("Somebody else has changed it meanwhile: nothing was written over", true, {
              text: "Load theirs",
              run: () => {
                kept.delete(slug);
                again();
              },
            });
          else toast(error instanceof ApiProblem && error.pointer ? `${error.pointer}: ${error.detail}` : String(error instanceof Error ? error.message : error), true);
        },
      )
      .finally(() => saving(false));
  };
  return {
    content: history.now,
    read,
    is_on: param("edit") === "1",
    is_changed,
    can_undo: history.before.length > 0,
    can_redo: history.after.length > 0,
    is_saving,
    apply: (next) => set({ read, history: done(history, next) }),
    undo: () => set({ read, history: undone(history) }),
    redo: () => set({ read, history: redone(history) }),
    save,
    leave: () => {
      set({ read, history: begun(content_of(read.dashboard)) });
      change({ edit: null, editor: null }, true);
    },
    take,
  };
}
