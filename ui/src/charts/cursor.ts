/* The time under the pointer: one for all charts of the page, so that a peak here is found there. */
import { signal } from "@preact/signals";

export const cursor_us = signal<number | undefined>(undefined);
