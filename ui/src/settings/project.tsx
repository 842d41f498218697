/* The project itself: its name, and its end. */
import { useState } from "preact/hooks";
import { api } from "../api/client";
import { copy, toast } from "../frame/toast";
import { project_here, project_first, session_begin, type Project } from "../session";
import { go } from "../url";
import { may } from "./access";
import { Field, FormEnd, useForm } from "./form";
import { path_of, role_here } from "./load";
import { ReadOnly } from "./parts";

/* The server makes these at each start, so they stay. */
const KEPT = ["default", "monoscope"];

export function ProjectPage() {
  const project = project_here.value;
  if (!project) return null;
  const is_kept = KEPT.includes(project.name);
  return (
    <>
      <section>
        <dl class="facts">
          <div>
            <dt>Id</dt>
            <dd class="row">
              <code class="told">{project.id}</code>
              <button class="plain" onClick={() => void copy(project.id, "id")}>
                Copy
              </button>
            </dd>
          </div>
          <div>
            <dt>Your role</dt>
            <dd>{role_here.value}</dd>
          </div>
        </dl>
      </section>
      {!may(role_here.value, "PROJECT_WRITE") ? (
        <ReadOnly permission="PROJECT_WRITE" what="rename it" />
      ) : is_kept ? (
        <p class="read-only soft" role="note">
          The server needs a project of the name "{project.name}": it can be neither renamed nor deleted.
        </p>
      ) : (
        <Rename project={project} />
      )}
      {!is_kept && (may(role_here.value, "PROJECT_DELETE") ? <Delete project={project} /> : <ReadOnly permission="PROJECT_DELETE" what="delete it" />)}
    </>
  );
}

function Rename({ project }: { project: Project }) {
  const [name, set_name] = useState(project.name);
  const form = useForm();
  const done = async (renamed: Project) => {
    await session_begin();
    toast(`The project is called "${renamed.name}" now`);
    go(`/p/${encodeURIComponent(renamed.name)}/settings/project`);
  };
  return (
    <section>
      <h2>Name</h2>
      <form onSubmit={form.submit(() => api<Project>(path_of(), { method: "PATCH", body: { name: name.trim() } }), (renamed) => void done(renamed))}>
        <Field form={form} at="/name" takes_exists label="Name" hint="Small letters, digits, - and _. It is a part of addresses, and the user of SQL connections: those have to be set anew. The id, the keys and the rows stay.">
          {(field) => <input {...field} value={name} maxLength={63} spellcheck={false} onInput={(event) => set_name(event.currentTarget.value)} />}
        </Field>
        <FormEnd form={form} fields={["/name"]} exists_at="/name">
          <button class="primary" disabled={form.is_busy || !name.trim() || name.trim() === project.name}>
            Rename
          </button>
        </FormEnd>
      </form>
    </section>
  );
}

function Delete({ project }: { project: Project }) {
  const [typed, set_typed] = useState("");
  const form = useForm();
  const done = async () => {
    toast(`"${project.name}" is deleted`);
    await session_begin();
    go(`/p/${encodeURIComponent(project_first() ?? "")}/explore`);
  };
  return (
    <section class="ending">
      <h2>Delete this project</h2>
      <p>
        Nobody sees it any more, its keys and links open nothing, senders are refused. Its rows stay in their files until they are too old to be kept. An operator of the server can still read those; from here there is no way back.
      </p>
      <form onSubmit={form.submit(() => api(path_of(), { method: "DELETE" }), () => void done())}>
        <Field form={form} at="/typed" label={`To delete it, type its name: ${project.name}`}>
          {(field) => <input {...field} value={typed} autocomplete="off" spellcheck={false} onInput={(event) => set_typed(event.currentTarget.value)} />}
        </Field>
        <FormEnd form={form}>
          <button class="danger" disabled={form.is_busy || typed !== project.name}>
            Delete the project
          </button>
        </FormEnd>
      </form>
    </section>
  );
}
