/* The room of metrics: the catalog, and one metric (metrics/{name}). */
import { Empty } from "../frame/state";
import { is_guest } from "../session";
import { Catalog } from "./catalog";
import { Explorer } from "./explorer";
import "./metrics.css";

export default function View({ rest }: { rest: string }) {
  if (is_guest.value)
    return (
      <Empty title="Metrics are for members of the project">
        <p class="soft">A link shows rows and traces of its time. Who has an account sees metrics too.</p>
      </Empty>
    );
  const name = decoded(rest);
  return name === "" ? <Catalog /> : <Explorer key={name} name={name} />;
}

/* What is no encoding stands for itself. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
