// The official client of the Model Context Protocol, as an agent would use it: URL, key -> what the story asks on stdin, a line of
// JSON each ({"tool", "arguments"} or "list"); answers on stdout, a line each.
import readline from "node:readline";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [url, key] = process.argv.slice(2);
const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { authorization: `Bearer ${key}` } } });
const client = new Client({ name: "story", version: "1" });

function tell(value) {
  process.stdout.write(JSON.stringify(value) + "\n");
}

try {
  await client.connect(transport);
  tell({ server: client.getServerVersion(), capabilities: client.getServerCapabilities(), instructions: client.getInstructions(),
         protocol: transport.protocolVersion });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    try {
      if (asked === "list") tell((await client.listTools()).tools);
      else if (asked === "ping") tell(await client.ping());
      else tell(await client.callTool({ name: asked.tool, arguments: asked.arguments }));
    } catch (error) {
      tell({ thrown: error.message, code: error.code });
    }
  }
  await client.close();
} catch (error) {
  tell({ failed: error.message, code: error.code });
}
