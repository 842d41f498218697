/* A service has one colour of eight, the same in each view of a trace: in the order of their self time, so that those that
 * matter are apart. */
import type { Trace } from "./rows";

export const COLOURS = 8;
export function service_colours(trace: Trace): Map<string, number> {
  return new Map(trace.services.map((service, at) => [service.name, at % COLOURS]));
}
export const colour_name = (number: number) => `--series-${number}`;
