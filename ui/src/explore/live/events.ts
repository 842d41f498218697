/* Server-sent events out of a text that comes in pieces (HTML Standard, 9.2): what our own server sends, one line of data each. */
export interface ServerEvent {
  name: string;
  id: string;
  data: string;
}

export class EventReader {
  private rest = "";

  /* Events that are whole by now. */
  add(piece: string): ServerEvent[] {
    const texts = (this.rest + piece).split("\n\n");
    this.rest = texts.pop() ?? "";
    return texts.map(event_of).filter((event) => event.data !== "");
  }
}

function event_of(text: string): ServerEvent {
  const event = { name: "message", id: "", data: "" };
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    const value = line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    const field = line.slice(0, colon);
    if (field === "event") event.name = value;
    else if (field === "id") event.id = value;
    else if (field === "data") event.data = event.data ? `${event.data}\n${value}` : value;
  }
  return event;
}
