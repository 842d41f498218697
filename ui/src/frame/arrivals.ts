/* Components whose code comes when they are first shown: views of the address (frame.tsx), kinds of the explorer (explore/view.tsx).
 *
 *   begin(one)   its code is asked for, before anybody shows it; should it not come, use says so
 *   use(one)     its component, when it has come; undefined: nothing is to be shown
 */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiProblem } from "../api/client";

interface Arriving<P> {
  load: () => Promise<{ default: ComponentType<P> }>;
}

export function arrivals<P>() {
  const arrived = new Map<Arriving<P>, ComponentType<P>>();
  async function load(one: Arriving<P>): Promise<void> {
    arrived.set(one, (await one.load()).default);
  }
  function begin(one: Arriving<P> | undefined): void {
    if (one) load(one).catch(() => undefined);
  }
  function use(one: Arriving<P> | undefined): { component: ComponentType<P> | undefined; problem: ApiProblem | undefined } {
    const [problem, set_problem] = useState<ApiProblem>();
    const [, shown] = useState(0);
    const component = one && arrived.get(one);
    useEffect(() => {
      set_problem(undefined);
      if (!one || component) return;
      load(one).then(
        () => shown((n) => n + 1),
        () => set_problem(new ApiProblem(0, "unreachable", "a part of the page could not be loaded: the server may have been renewed; load the page anew")),
      );
    }, [one]);
    return { component, problem };
  }
  return { begin, use };
}
