/* A service has one colour, the same as in the explorer's charts: its name says which. */
import { places_of } from "../charts/colours";
import type { Trace } from "./rows";

export const COLOURS = 8;
export function service_colours(trace: Trace): Map<string, number> {
  return places_of(trace.services.map((service) => service.name));
}
export const colour_name = (number: number) => `--series-${number}`;
