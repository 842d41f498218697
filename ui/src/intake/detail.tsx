/* Of one key: why requests were refused and records left out, what to do, and what sends with it. */
import { show_whole } from "../number";
import { ago } from "../settings/ago";
import { when } from "../settings/load";
import { partial_of, senders_of, type Reason, type Sender } from "./intake";

interface DetailProps {
  of: { name: string; reasons: readonly Reason[]; senders: readonly Sender[] };
}
export function KeyDetail({ of }: DetailProps) {
  const senders = senders_of(of.senders);
  return (
    <section class="intake-detail" aria-label={`Of ${of.name}`}>
      <div>
        <h3>Refused, and left out</h3>
        {of.reasons.length === 0 && <p class="soft">Nothing in this range.</p>}
        <ul class="reasons">
          {of.reasons.map((reason) => (
            <ReasonLine key={reason.signal + reason.code} reason={reason} />
          ))}
        </ul>
      </div>
      {senders.length > 0 && (
        <div>
          <h3>What sends</h3>
          <ul class="senders">
            {senders.map((sender) => (
              <li key={sender.words}>
                <span class="told">{sender.words}</span>
                <span class="soft">
                  {sender.signals}, {show_whole(sender.requests)} {sender.requests === 1 ? "request" : "requests"}, <span title={when(sender.seen_at)}>{ago(sender.seen_at)}</span>
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

export function ReasonLine({ reason }: { reason: Reason }) {
  const what = partial_of(reason) ? (reason.happened === 1 ? "record left out" : "records left out") : reason.happened === 1 ? "request" : "requests";
  return (
    <li class="reason" data-code={reason.code}>
      <p>
        <b>
          {show_whole(reason.happened)} {what}
        </b>{" "}
        of {reason.signal === "unknown" ? "no known signal" : reason.signal}: <code>{reason.code}</code>, the last one <span title={when(reason.seen_at)}>{ago(reason.seen_at)}</span>
      </p>
      <blockquote class="told mono">{reason.example}</blockquote>
      <p class="soft">{reason.advice}</p>
    </li>
  );
}
