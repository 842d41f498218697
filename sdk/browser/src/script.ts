/* The SDK of a script tag: what records is loaded from where the script came from. */
import { replay_load_from } from "./replay_watch";

const here = document.currentScript as HTMLScriptElement | null;
if (here?.src) replay_load_from(new URL("replay.js", here.src).href);

export { start } from "./index";
