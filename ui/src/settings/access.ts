/* What a role may do in a project: docs/accounts.md has the whole table, src/meta/access.h decides. The pages offer what the caller may
 * do and say of the rest from which role on it is; the server checks it all the same. Pure. */
export type Role = "none" | "viewer" | "editor" | "admin" | "owner" | "instance admin";
const ORDER: readonly Role[] = ["none", "viewer", "editor", "admin", "owner", "instance admin"];
/* Those that a member can be given, the least first. */
export const GIVEN = ["viewer", "editor", "admin", "owner"] as const;
export type GivenRole = (typeof GIVEN)[number];

const FROM = {
  MEMBER_READ: "viewer",
  LIMIT_READ: "viewer",
  PROJECT_READ: "viewer",
  REDACTION_READ: "editor",
  CONTENT_WRITE: "editor",
  PROJECT_WRITE: "admin",
  MEMBER_WRITE: "admin",
  KEY_READ: "admin",
  KEY_WRITE: "admin",
  REDACTION_WRITE: "admin",
  AUDIT_READ: "admin",
  PROJECT_DELETE: "owner",
  LIMIT_WRITE: "instance admin",
  TEAM_MANAGE: "instance admin",
  USER_MANAGE: "instance admin",
} as const satisfies Record<string, Role>;
export type Permission = keyof typeof FROM;

export function rank(role: string): number {
  return Math.max(0, ORDER.indexOf(role as Role));
}
export function may(role: string, permission: Permission): boolean {
  return rank(role) >= rank(FROM[permission]);
}
/* Who does it, for "your role here is viewer: admins of the project ..." */
export function who_may(permission: Permission): string {
  const from = FROM[permission];
  return from === "instance admin" ? "instance admins of this server" : `${from}s of the project`;
}
/* The roles that one with `own` may give: at most the own. */
export function givable(own: string): readonly GivenRole[] {
  return GIVEN.filter((role) => rank(role) <= rank(own));
}
/* Nobody changes one who has more. */
export function may_change_member(own: string, member: string): boolean {
  return may(own, "MEMBER_WRITE") && rank(member) <= rank(own);
}

/* Each role adds to the one before it. */
export const ROLE_WORDS: Record<GivenRole, string> = {
  viewer: "read telemetry and settings",
  editor: "also change rows by SQL and what people share: issues, views, links",
  admin: "also keys, members, retention, redaction rules, the audit log",
  owner: "also delete the project",
};
