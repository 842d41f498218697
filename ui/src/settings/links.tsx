/* Share links: who made which, what it opens and until when; revoked one by one, or all of them by the project's switch. */
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { all_of } from "../session";
import { project_name, project_path } from "../url";
import { may } from "./access";
import { ago } from "./ago";
import { failed, path_of, role_here, when } from "./load";
import { Cards, ReadOnly, Sure } from "./parts";

type Share = Schemas["Share"];
type Sharing = Schemas["Sharing"];

export function LinksPage() {
  const sharing = useLoad(project_name.value, () => api<Sharing>(path_of("/sharing")));
  const links = useLoad(project_name.value, () => all_of<Share>(path_of("/shares")));
  const can_switch = may(role_here.value, "PROJECT_WRITE");
  const turn = async (is_on: boolean) => {
    try {
      await api(path_of("/sharing"), { method: "PUT", body: { is_on } });
      toast(is_on ? "Links can be made, and open what they show" : "No link opens anything any more");
    } catch (error) {
      failed(error);
    }
    sharing.again();
  };
  const revoke = async (share: Share) => {
    try {
      await api(path_of(`/shares/${share.id}`), { method: "DELETE" });
      toast("The link is revoked: it opens nothing any more");
    } catch (error) {
      failed(error);
    }
    links.again();
  };
  return (
    <>
      <p>A link opens one range of time, read-only, without an account. "Share …" in the menu of a view makes one.</p>
      <section>
        <h2>Links</h2>
        {sharing.problem && <Problem problem={sharing.problem} again={sharing.again} />}
        {sharing.value && !sharing.value.is_server_on && <p class="warning">The server's setting --shares is off: links can be neither made nor opened, in no project.</p>}
        {sharing.value &&
          (can_switch ? (
            <label class="row">
              <input type="checkbox" checked={sharing.value.is_on} onChange={(event) => void turn(event.currentTarget.checked)} />
              Links can be made and opened in this project
            </label>
          ) : (
            <>
              <p>Links {sharing.value.is_on ? "can be made and opened" : "open nothing"} in this project.</p>
              <ReadOnly permission="PROJECT_WRITE" what="switch them off and on" />
            </>
          ))}
      </section>
      <section>
        <h2>Those that have not ended</h2>
        {links.problem && <Problem problem={links.problem} again={links.again} />}
        {!links.value && links.is_loading && <Waiting what="Reading the links" />}
        {links.value?.length === 0 && <p class="soft">None is open.</p>}
        {links.value && links.value.length > 0 && (
          <Cards label="Share links" heads={["Shows", "From", "To", "Made by", "Ends", ""]}>
            {links.value.map((share) => (
              <tr key={share.id} data-link={share.title || share.address}>
                <td data-of="Shows">
                  <a class="told" href={project_path(share.address)}>
                    {share.title || share.address}
                  </a>
                </td>
                <td data-of="From">{when(share.from)}</td>
                <td data-of="To">{when(share.to)}</td>
                <td data-of="Made by" title={when(share.created_at)}>
                  <span class="told">{share.owner}</span> {ago(share.created_at)}
                </td>
                <td data-of="Ends" title={when(share.expires_at)}>
                  {ago(share.expires_at)}
                </td>
                <td>{share.can_revoke ? <Sure text="Revoke" label={`Revoke the link to ${share.title || share.address}`} sure="Really revoke" run={() => void revoke(share)} /> : <span class="soft">its maker or an admin revokes it</span>}</td>
              </tr>
            ))}
          </Cards>
        )}
      </section>
    </>
  );
}
