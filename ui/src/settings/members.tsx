/* Members: who has which role. Given by e-mail; an instance admin makes a user who is not there yet, with a password for one sign-in. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { copy, toast } from "../frame/toast";
import { all_of, me } from "../session";
import { project_name } from "../url";
import { GIVEN, givable, may, may_change_member, ROLE_WORDS, type GivenRole } from "./access";
import { Field, FormEnd, useForm } from "./form";
import { failed, path_of, role_here } from "./load";
import { Cards, ReadOnly, Sure } from "./parts";

type Member = Schemas["Member"];
type Team = Schemas["Team"];
const member_path = (member: string) => path_of(`/members/${encodeURIComponent(member)}`);

export function MembersPage() {
  const members = useLoad(project_name.value, () => all_of<Member>(path_of("/members")));
  const role = role_here.value;
  const can_write = may(role, "MEMBER_WRITE");
  const set_role = async (member: Member, wanted: GivenRole) => {
    try {
      await api(member_path(member.id), { method: "PUT", body: { role: wanted } });
      toast(`${member.name} is ${wanted} now`);
    } catch (error) {
      failed(error);
    }
    members.again();
  };
  const remove = async (member: Member) => {
    try {
      await api(member_path(member.id), { method: "DELETE" });
      toast(`${member.name} has no role here any more`);
    } catch (error) {
      failed(error);
    }
    members.again();
  };
  return (
    <>
      {can_write ? <Add onDone={members.again} /> : <ReadOnly permission="MEMBER_WRITE" what="add, change and remove members" />}
      <section>
        <h2>Who has a role</h2>
        {members.problem && <Problem problem={members.problem} again={members.again} />}
        {!members.value && members.is_loading && <Waiting what="Reading the members" />}
        {members.value?.length === 0 && <p class="soft">Nobody but the instance admins of this server, who may do everything in every project.</p>}
        {members.value && members.value.length > 0 && (
          <Cards label="Members" heads={["Name", "Is a", "Role", ""]}>
            {members.value.map((member) => (
              <tr key={member.id} data-member={member.name}>
                <td data-of="Name">
                  <b class="told">{member.name}</b> {member.id === me.value?.id && <span class="soft">(you)</span>}
                </td>
                <td data-of="Is a">{member.kind}</td>
                <td data-of="Role">
                  {may_change_member(role, member.role) && !member.is_by_oidc ? (
                    <select aria-label={`Role of ${member.name}`} value={member.role} onChange={(event) => void set_role(member, event.currentTarget.value as GivenRole)}>
                      {givable(role).map((one) => (
                        <option key={one} value={one}>
                          {one}
                        </option>
                      ))}
                    </select>
                  ) : (
                    <>
                      {member.role} {member.is_by_oidc && <span class="soft">by a group of the identity provider: set at each sign-in</span>}
                    </>
                  )}
                </td>
                <td>{may_change_member(role, member.role) && <Sure text="Remove" label={`Remove ${member.name}`} sure="Really remove" run={() => void remove(member)} />}</td>
              </tr>
            ))}
          </Cards>
        )}
      </section>
      <section>
        <h2>What a role may</h2>
        <dl class="facts">
          {GIVEN.map((one) => (
            <div key={one}>
              <dt>{one}</dt>
              <dd>{ROLE_WORDS[one]}</dd>
            </div>
          ))}
          <div>
            <dt>instance admin</dt>
            <dd>everything in every project; makes projects, users, teams; sets limits</dd>
          </div>
        </dl>
        <p class="soft">Of roles that one has by several ways (own, teams), the highest counts.</p>
      </section>
    </>
  );
}

function Add({ onDone }: { onDone: () => void }) {
  const role = role_here.value;
  const teams = useLoad("teams", () => all_of<Team>("/teams"));
  const [who, set_who] = useState("");
  const [team, set_team] = useState("");
  const [wanted, set_wanted] = useState<GivenRole>("viewer");
  const [stranger, set_stranger] = useState("");
  const form = useForm();
  const member = team || who.trim();
  const done = () => {
    toast(`${team ? (teams.value?.find((one) => one.id === team)?.name ?? "The team") : who.trim()} is ${wanted} now`);
    set_who("");
    set_team("");
    set_stranger("");
    onDone();
  };
  const is_unknown = form.problem?.code === "not_found" && !team;
  return (
    <section>
      <h2>Give a role</h2>
      <form onSubmit={form.submit(() => api(member_path(member), { method: "PUT", body: { role: wanted } }), done)}>
        {team === "" && (
          <Field form={form} at="/who" label="E-mail address">
            {(field) => (
              <input
                {...field}
                aria-invalid={is_unknown}
                type="email"
                value={who}
                maxLength={254}
                placeholder="ann@example.com"
                onInput={(event) => {
                  set_who(event.currentTarget.value);
                  form.clear();
                }}
              />
            )}
          </Field>
        )}
        {(teams.value?.length ?? 0) > 0 && (
          <Field form={form} at="/team" label="Or a team">
            {(field) => (
              <select {...field} value={team} onChange={(event) => set_team(event.currentTarget.value)}>
                <option value="">none</option>
                {teams.value?.map((one) => (
                  <option key={one.id} value={one.id}>
                    {one.name}
                  </option>
                ))}
              </select>
            )}
          </Field>
        )}
        <Field form={form} at="/role" label="Role" hint={ROLE_WORDS[wanted]}>
          {(field) => (
            <select {...field} value={wanted} onChange={(event) => set_wanted(event.currentTarget.value as GivenRole)}>
              {givable(role).map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          )}
        </Field>
        <FormEnd form={form} fields={["/role"]}>
          <button class="primary" disabled={form.is_busy || !member}>
            Give it
          </button>
          {is_unknown && !may(role, "USER_MANAGE") && <span class="soft">An instance admin of this server makes the user; after that you can give the role.</span>}
          {is_unknown && may(role, "USER_MANAGE") && (
            <button type="button" onClick={() => set_stranger(who.trim())}>
              Invite {who.trim()} as a new user
            </button>
          )}
        </FormEnd>
      </form>
      {stranger && <Invite email={stranger} role={wanted} onDone={onDone} onClose={() => set_stranger("")} />}
    </section>
  );
}

/* A user with a password for one sign-in, shown once: mails are not sent. */
function Invite({ email, role, onDone, onClose }: { email: string; role: GivenRole; onDone: () => void; onClose: () => void }) {
  const [has_password, set_has_password] = useState(true);
  const [password, set_password] = useState("");
  const form = useForm();
  const ask = async () => {
    const made = await api<Schemas["UserCreated"]>("/users", { method: "POST", body: { email, has_password } });
    await api(member_path(made.id), { method: "PUT", body: { role } });
    return made;
  };
  const words = `${window.location.origin}/sign-in\n${email}\n${password}`;
  if (password)
    return (
      <div class="made" role="region" aria-label="The new user">
        <p>
          <b class="told">{email}</b> is {role}. This opens one sign-in, then it has to be changed; it is shown this once. No mail is sent: give it to them.
        </p>
        <pre class="paste" tabIndex={0} aria-label="To hand over">{words}</pre>
        <div class="row">
          <button type="button" class="primary" onClick={() => void copy(words, "lines")}>
            Copy
          </button>
          <button type="button" onClick={onClose}>
            Close
          </button>
        </div>
      </div>
    );
  return (
    <form
      class="made"
      onSubmit={form.submit(ask, (made) => {
        onDone();
        if (made.password) set_password(made.password);
        else {
          toast(`${email} signs in at the identity provider, and is ${role}`);
          onClose();
        }
      })}
    >
      <p>
        There is no user <b class="told">{email}</b> yet. They become {role} of this project, and nothing else.
      </p>
      <label class="row">
        <input type="checkbox" checked={has_password} onChange={(event) => set_has_password(event.currentTarget.checked)} />
        With a password for one sign-in (without: at the identity provider)
      </label>
      <FormEnd form={form}>
        <button class="primary" disabled={form.is_busy}>
          Make the user
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </FormEnd>
    </form>
  );
}
