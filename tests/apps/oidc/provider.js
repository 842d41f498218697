// An identity provider on 127.0.0.1: node provider.js FOLDER. It reads FOLDER/setup.json once ({port, clients, alg}) and
// FOLDER/people.json at each sign-in ({login: claims}), and writes the line "ready" when it listens. Any password will do.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const folder = process.argv[2];
const setup = JSON.parse(readFileSync(`${folder}/setup.json`));
const people = () => JSON.parse(readFileSync(`${folder}/people.json`));
const key = (type, options, more) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }), use: "sig", ...more });
const keys = () => [key("rsa", { modulusLength: 2048 }, { alg: "RS256", kid: `rsa-${Date.now()}` }),
                    key("ec", { namedCurve: "P-256" }, { alg: "ES256", kid: `ec-${Date.now()}` })];

const provider = new Provider(`http://127.0.0.1:${setup.port}`, {
    clients: setup.clients,
    jwks: { keys: keys() },
    cookies: { keys: ["story"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    conformIdTokenClaims: false, // what is asked for is in the ID token
    features: { devInteractions: { enabled: true } },
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256"] },
    findAccount: async (_, id) => (people()[id] ? { accountId: id, claims: async () => ({ sub: id, ...people()[id] }) } : undefined),
});
createServer(provider.callback()).listen(setup.port, "127.0.0.1", () => console.log("ready"));
