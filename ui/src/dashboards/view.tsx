/* Dashboards: the list, or the one of the address. */
import "./dashboards.css";
import Board from "./board";
import List from "./list";

export default function View({ rest }: { rest: string }) {
  const slug = rest.split("/")[0] ?? "";
  return slug ? <Board slug={slug} key={slug} /> : <List />;
}
