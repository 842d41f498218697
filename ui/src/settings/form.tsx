/* Forms of the settings: what the server refuses stands at the field it is about (the problem's pointer), the rest below them.
 *
 *   const form = useForm();
 *   <form onSubmit={form.submit(() => api(...), done)}>
 *     <Field form={form} at="/name" label="Name">{(field) => <input {...field} value=... />}</Field>
 *     <FormEnd form={form} fields={["/name"]}><button>Save</button></FormEnd>
 */
import type { ComponentChildren, JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { ApiProblem } from "../api/client";

export interface Form {
  problem: ApiProblem | undefined;
  is_busy: boolean;
  clear: () => void;
  run: <T>(ask: () => Promise<T>, done: (answer: T) => void) => Promise<void>;
  submit: <T>(ask: () => Promise<T>, done: (answer: T) => void) => (event: Event) => void;
}

export function problem_of(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : new ApiProblem(0, "", error instanceof Error ? error.message : String(error));
}

export function useForm(): Form {
  const [problem, set_problem] = useState<ApiProblem>();
  const [is_busy, busy] = useState(false);
  const run: Form["run"] = async (ask, done) => {
    busy(true);
    set_problem(undefined);
    try {
      const answer = await ask();
      busy(false);
      done(answer);
    } catch (error) {
      set_problem(problem_of(error));
      busy(false);
    }
  };
  return {
    problem,
    is_busy,
    clear: () => set_problem(undefined),
    run,
    submit: (ask, done) => (event) => {
      event.preventDefault();
      if (!is_busy) void run(ask, done);
    },
  };
}

/* "/scopes/0" is about the field "/scopes". `exists`: the name of what is there already is told without a pointer. */
export function is_about(problem: ApiProblem, at: string, takes_exists = false): boolean {
  return problem.pointer === at || problem.pointer.startsWith(`${at}/`) || (takes_exists && problem.pointer === "" && problem.code === "exists");
}

interface FieldProps {
  form: Form;
  at: string;
  label: string;
  hint?: ComponentChildren;
  takes_exists?: boolean;
  children: (field: { id: string; "aria-describedby": string; "aria-invalid": boolean }) => JSX.Element;
}
export function Field({ form, at, label, hint, takes_exists = false, children }: FieldProps) {
  const id = useId();
  const problem = form.problem && is_about(form.problem, at, takes_exists) ? form.problem : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": `${id}-about`, "aria-invalid": !!problem })}
      <div id={`${id}-about`} class="field-about">
        {problem && (
          <p class="error-text told" role="alert">
            {problem.detail}
          </p>
        )}
        {hint && <p class="soft">{hint}</p>}
      </div>
    </div>
  );
}

/* fields: the pointers that have a place of their own; those with "exists" take that too. */
export function FormEnd({ form, fields = [], exists_at, children }: { form: Form; fields?: readonly string[]; exists_at?: string; children: ComponentChildren }) {
  const problem = form.problem;
  const has_place = problem && fields.some((at) => is_about(problem, at, at === exists_at));
  return (
    <>
      {problem && !has_place && (
        <p class="error-text told" role="alert">
          {problem.pointer && `${problem.pointer.replace(/^[/?]/, "")}: `}
          {problem.detail}
        </p>
      )}
      <div class="row">{children}</div>
    </>
  );
}
