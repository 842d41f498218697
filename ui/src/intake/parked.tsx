/* Records that were acknowledged and cannot be stored: kept aside with the reason, for an operator. */
import { show_bytes, show_whole } from "../number";
import { when } from "../settings/load";
import { Cards } from "../settings/parts";
import type { Intake } from "./intake";

export function Parked({ parked, is_instance_admin }: { parked: Intake["parked"]; is_instance_admin: boolean }) {
  return (
    <section aria-label="Parked requests">
      <h2>Parked</h2>
      {!parked && <p class="soft">Not known here: with Kafka they are in a topic, which monoscope parked list reads.</p>}
      {parked?.problem && <p class="error-text told">{parked.problem}</p>}
      {parked && parked.count === 0 && !parked.problem && <p class="soft">None: all that was acknowledged is stored.</p>}
      {parked && parked.count > 0 && (
        <>
          <p>
            {show_whole(parked.count)} {parked.count === 1 ? "request was" : "requests were"} acknowledged and cannot be stored. {is_instance_admin ? "monoscope parked show ID tells all of one; once the cause is gone, monoscope parked replay ID." : "An operator of the server sends them on their way again (monoscope parked)."}
          </p>
          <Cards label="Parked requests" heads={["Id", "Signal", "Came", "Bytes", "Tried again", "Why"]}>
            {parked.items.map((one) => (
              <tr key={one.id}>
                <td data-of="Id" class="mono told break">
                  {one.id}
                </td>
                <td data-of="Signal">{one.signal}</td>
                <td data-of="Came">{when(one.received_at)}</td>
                <td data-of="Bytes">{show_bytes(one.bytes)}</td>
                <td data-of="Tried again">{one.attempts}</td>
                <td data-of="Why" class="told break">
                  {one.reason}
                </td>
              </tr>
            ))}
          </Cards>
        </>
      )}
    </section>
  );
}
