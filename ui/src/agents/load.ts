/* What the pages of agents and reports read, and its types. */
import type { Schemas } from "../api/client";

export type Agent = Schemas["Agent"];
export type AgentSet = Schemas["AgentSet"];
export type Run = Schemas["AgentRun"];
export type Report = Schemas["AgentReport"];
export type ReportDetail = Schemas["AgentReportDetail"];
export type Section = Schemas["AgentReportSection"];
export type Severity = Schemas["AgentSeverity"];
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export const TEMPLATES: readonly { name: Agent["template"]; title: string; words: string; schedule: string }[] = [
  { name: "health", title: "Daily health", words: "Services, issues and log patterns of the day, compared with the day before", schedule: "daily 08:00" },
  { name: "weekly", title: "Weekly review", words: "The week: services, endpoints, versions, database queries, issues, patterns", schedule: "weekly mon 08:00" },
  { name: "deploys", title: "Deploy watcher", words: "Versions that came, and whether they fail more than those before", schedule: "hourly" },
  { name: "errors", title: "Error triage", words: "Issues that are new, escalating or regressed", schedule: "daily 09:00" },
  { name: "database", title: "Slow database queries", words: "Statements by the time spent in them, and those that got slower", schedule: "daily 07:00" },
  { name: "prompt", title: "Your own question", words: "What your prompt asks, by the project's language model, from what its tools answer", schedule: "daily 08:00" },
];
