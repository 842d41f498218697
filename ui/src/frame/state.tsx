/* What stands where there is nothing to show: a problem, nothing found, or still waiting. Each says what to do next. */
import type { ComponentChildren } from "preact";
import type { ApiProblem } from "../api/client";

export function Problem({ problem, again }: { problem: ApiProblem; again?: () => void }) {
  const title = problem.status === 0 ? "No answer" : problem.status === 403 ? "Not allowed" : problem.status === 404 ? "Not found" : problem.status >= 500 ? "The server could not" : "That cannot be asked";
  return (
    <div class="state problem" role="alert">
      <h2>{title}</h2>
      <p class="told">{problem.detail}</p>
      {again && (
        <button onClick={again} class="primary">
          Try again
        </button>
      )}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="state">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Waiting({ what }: { what: string }) {
  return (
    <div class="state" role="status">
      <span class="spinner" aria-hidden="true" />
      <p class="soft">{what} …</p>
    </div>
  );
}
