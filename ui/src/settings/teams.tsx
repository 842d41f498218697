/* Teams of this server: a role given to one is a role of all of its members, in any project. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { all_of } from "../session";
import { change, href, param, project_path } from "../url";
import { may } from "./access";
import { ago } from "./ago";
import { Field, FormEnd, useForm } from "./form";
import { failed, role_here } from "./load";
import { Cards, ReadOnly, Sure } from "./parts";

type Team = Schemas["Team"];

export function TeamsPage() {
  const teams = useLoad("teams", () => all_of<Team>("/teams"));
  const can_manage = may(role_here.value, "TEAM_MANAGE");
  const open = teams.value?.find((team) => team.id === param("team"));
  const remove = async (team: Team) => {
    try {
      await api(`/teams/${team.id}`, { method: "DELETE" });
      toast(`The team "${team.name}" and the roles it gave are gone`);
      change({ team: null }, true);
    } catch (error) {
      failed(error);
    }
    teams.again();
  };
  return (
    <>
      {can_manage ? <Make onDone={teams.again} /> : <ReadOnly permission="TEAM_MANAGE" what="make and change teams" />}
      <section>
        <h2>Teams of this server</h2>
        {teams.problem && <Problem problem={teams.problem} again={teams.again} />}
        {!teams.value && teams.is_loading && <Waiting what="Reading the teams" />}
        {teams.value?.length === 0 && <p class="soft">There is none. A team that gets a role gives it to all of its members.</p>}
        {teams.value && teams.value.length > 0 && (
          <Cards label="Teams" heads={["Name", "Members", "Made", ""]}>
            {teams.value.map((team) => (
              <tr key={team.id} data-team={team.name} class={team.id === open?.id ? "chosen" : ""}>
                <td data-of="Name">
                  <a class="told" href={href(project_path("settings/teams"), { team: team.id })} aria-current={team.id === open?.id}>
                    {team.name}
                  </a>
                </td>
                <td data-of="Members">{team.member_count}</td>
                <td data-of="Made">{ago(team.created_at)}</td>
                <td>{can_manage && <Sure text="Delete" label={`Delete the team ${team.name}`} sure="Really delete" run={() => void remove(team)} />}</td>
              </tr>
            ))}
          </Cards>
        )}
        <p class="soft">
          Which of them have a role in this project: <a href={href(project_path("settings/members"))}>Members</a>.
        </p>
      </section>
      {open && <One key={open.id} team={open} can_manage={can_manage} onChange={teams.again} />}
    </>
  );
}

function Make({ onDone }: { onDone: () => void }) {
  const [name, set_name] = useState("");
  const form = useForm();
  return (
    <section>
      <h2>A new team</h2>
      <form
        onSubmit={form.submit(
          () => api<Team>("/teams", { method: "POST", body: { name: name.trim() } }),
          (team) => {
            set_name("");
            onDone();
            change({ team: team.id }, true);
          },
        )}
      >
        <Field form={form} at="/name" takes_exists label="Name">
          {(field) => <input {...field} value={name} maxLength={63} onInput={(event) => set_name(event.currentTarget.value)} />}
        </Field>
        <FormEnd form={form} fields={["/name"]} exists_at="/name">
          <button class="primary" disabled={form.is_busy || !name.trim()}>
            Make the team
          </button>
        </FormEnd>
      </form>
    </section>
  );
}

function One({ team, can_manage, onChange }: { team: Team; can_manage: boolean; onChange: () => void }) {
  const people = useLoad(team.id, () => all_of<Schemas["TeamMember"]>(`/teams/${team.id}/members`));
  const [who, set_who] = useState("");
  const [name, set_name] = useState(team.name);
  const adding = useForm();
  const naming = useForm();
  const again = () => {
    people.again();
    onChange();
  };
  const take_out = async (id: string, email: string) => {
    try {
      await api(`/teams/${team.id}/members/${id}`, { method: "DELETE" });
      toast(`${email} is not in "${team.name}" any more`);
    } catch (error) {
      failed(error);
    }
    again();
  };
  return (
    <section role="region" aria-label={`Team ${team.name}`}>
      <h2 class="told">{team.name}</h2>
      {can_manage && (
        <>
          <form onSubmit={naming.submit(() => api(`/teams/${team.id}`, { method: "PATCH", body: { name: name.trim() } }), onChange)}>
            <Field form={naming} at="/name" takes_exists label="Another name">
              {(field) => <input {...field} value={name} maxLength={63} onInput={(event) => set_name(event.currentTarget.value)} />}
            </Field>
            <FormEnd form={naming} fields={["/name"]} exists_at="/name">
              <button disabled={naming.is_busy || !name.trim() || name.trim() === team.name}>Rename</button>
            </FormEnd>
          </form>
          <form
            onSubmit={adding.submit(
              () => api(`/teams/${team.id}/members/${encodeURIComponent(who.trim())}`, { method: "PUT" }),
              () => {
                set_who("");
                again();
              },
            )}
          >
            <Field form={adding} at="/who" label="Add the user with the e-mail address">
              {(field) => <input {...field} type="email" value={who} placeholder="ann@example.com" onInput={(event) => set_who(event.currentTarget.value)} />}
            </Field>
            <FormEnd form={adding}>
              <button disabled={adding.is_busy || !who.trim()}>Add</button>
            </FormEnd>
          </form>
        </>
      )}
      {people.problem && <Problem problem={people.problem} again={people.again} />}
      {people.value?.length === 0 && <p class="soft">Nobody is in it.</p>}
      <ul class="people">
        {people.value?.map((user) => (
          <li key={user.id} class="row">
            <span class="told">{user.email}</span>
            {can_manage && (
              <button class="plain" aria-label={`Take out ${user.email}`} onClick={() => void take_out(user.id, user.email)}>
                Take out
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
