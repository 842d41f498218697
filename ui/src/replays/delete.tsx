/* Deleting recordings: asked once more, since nothing brings them back. */
import { Sheet } from "../frame/sheet";
import { FormEnd, useForm } from "../settings/form";
import { delete_session, delete_user } from "./load";

export interface Doomed {
  session?: string;
  user?: string; /* id, name or e-mail: all of theirs */
}
export function DeleteSheet({ of, onClose, onDone }: { of: Doomed; onClose: () => void; onDone: (count: number) => void }) {
  const form = useForm();
  const title = of.user ? "Delete all sessions of a user?" : "Delete this session?";
  const run = async () => {
    if (of.user) return delete_user(of.user);
    await delete_session(of.session ?? "");
    return 1;
  };
  const send = form.submit(run, (count) => {
    onClose();
    onDone(count);
  });
  return (
    <Sheet title={title} onClose={onClose}>
      <form class="sheet-form" onSubmit={send}>
        <h1>{title}</h1>
        <p>
          {of.user ? (
            <>
              Every recording of <b class="told">{of.user}</b>, of any time, with its objects in the store.
            </>
          ) : (
            "Its recording, with its objects in the store."
          )}{" "}
          Nothing brings it back; the audit log tells who did it. Traces and logs stay.
        </p>
        <FormEnd form={form}>
          <button class="primary" disabled={form.is_busy}>
            Delete
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </FormEnd>
      </form>
    </Sheet>
  );
}
