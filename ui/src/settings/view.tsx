/* Settings of a project: /p/{project}/settings/{page}. Pages are lines of PAGES; each offers what the caller may change and shows the
 * rest to be read, with who may. */
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import "./settings.css";
import { ApiProblem } from "../api/client";
import { useActs } from "../frame/acts";
import { Problem } from "../frame/state";
import { useKeys } from "../keys";
import { project_here } from "../session";
import { go, href, project_name, project_path } from "../url";
import { may, who_may, type Permission } from "./access";
import { AuditPage } from "./audit";
import { ChannelsPage } from "./channels";
import { KeysPage } from "./keys";
import { LimitsPage } from "./limits";
import { LinksPage } from "./links";
import { role_here } from "./load";
import { MembersPage } from "./members";
import { ModelPage } from "./model";
import { ProjectPage } from "./project";
import { RedactionPage } from "./redaction";
import { RetentionPage } from "./retention";
import { TeamsPage } from "./teams";

interface Page {
  path: string;
  title: string;
  permission: Permission; /* to see it */
  Shown: ComponentType;
}
const PAGES: readonly Page[] = [
  { path: "project", title: "Project", permission: "PROJECT_READ", Shown: ProjectPage },
  { path: "keys", title: "API keys", permission: "KEY_READ", Shown: KeysPage },
  { path: "members", title: "Members", permission: "MEMBER_READ", Shown: MembersPage },
  { path: "teams", title: "Teams", permission: "PROJECT_READ", Shown: TeamsPage },
  { path: "retention", title: "Retention", permission: "PROJECT_READ", Shown: RetentionPage },
  { path: "redaction", title: "Redaction", permission: "REDACTION_READ", Shown: RedactionPage },
  { path: "limits", title: "Limits", permission: "LIMIT_READ", Shown: LimitsPage },
  { path: "model", title: "Language model", permission: "PROJECT_WRITE", Shown: ModelPage },
  { path: "channels", title: "Channels", permission: "CONTENT_WRITE", Shown: ChannelsPage },
  { path: "links", title: "Share links", permission: "CONTENT_WRITE", Shown: LinksPage },
  { path: "audit", title: "Audit log", permission: "AUDIT_READ", Shown: AuditPage },
];

export default function View({ rest }: { rest: string }) {
  useActs({ title: "Settings", statement: undefined, is_private: true });
  const wanted = rest === "" ? "project" : rest;
  const at = PAGES.findIndex((page) => page.path === wanted);
  const page = PAGES[at];
  const list = useRef<HTMLElement>(null);
  useEffect(() => list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }), [wanted]); /* on a phone it is longer than the screen */
  const step = (by: number) => {
    const next = PAGES[(Math.max(0, at) + by + PAGES.length) % PAGES.length];
    if (next) go(project_path(`settings/${next.path}`));
  };
  useKeys([
    { keys: "j", text: "Next page of the settings", group: "Settings", run: () => step(1) },
    { keys: "k", text: "The page before", group: "Settings", run: () => step(-1) },
    { keys: "c", text: "To the first field", group: "Settings", run: () => document.querySelector<HTMLElement>(".settings-page :is(input, select, textarea):not([disabled], [readonly])")?.focus() },
  ]);
  return (
    <div class="settings">
      <nav ref={list} class="settings-nav" aria-label="Settings">
        {PAGES.map((one) => (
          <a key={one.path} class="nav-link" href={href(project_path(`settings/${one.path}`))} aria-current={one === page ? "page" : undefined}>
            {one.title}
          </a>
        ))}
      </nav>
      <div class="settings-page" key={`${project_here.value?.id} ${wanted}`}>
        {!page ? (
          <Problem problem={new ApiProblem(404, "not_found", `there is no page settings/${rest}`)} />
        ) : (
          <>
            <h1>
              {page.title} <span class="soft told">{project_name.value}</span>
            </h1>
            {may(role_here.value, page.permission) ? (
              <page.Shown />
            ) : (
              <p class="read-only" role="note">
                Your role here is {role_here.value}: {who_may(page.permission)} see this page.
              </p>
            )}
          </>
        )}
      </div>
    </div>
  );
}
