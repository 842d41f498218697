import "./tokens.css";
import "./base.css";
import "./frame/frame.css";
import { render } from "preact";
import { Frame } from "./frame/frame";
import { follow } from "./url";
import { theme_begin } from "./frame/theme";

theme_begin();
document.addEventListener("click", follow);
const app = document.getElementById("app");
if (app) render(<Frame />, app);
