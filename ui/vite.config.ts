import { defineConfig } from "vite";

declare const process: { env: Record<string, string | undefined> };

/* `npx vite` beside a server: MONOSCOPE=http://127.0.0.1:8080 npx vite */
const server = process.env.MONOSCOPE ?? "http://127.0.0.1:8080";
const paths = ["/api", "/sign-in", "/sign-out", "/account"];

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: true,
    manifest: true /* which files a view is made of: ui/build names them in its page */,
    /* What several views share comes in one file: thirty small ones cost a new browser more than their bytes. */
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "shared", minShareCount: 2 }] } } },
  },
  server: { fs: { allow: [".."] }, proxy: Object.fromEntries(paths.map((path) => [path, { target: server }])) },
});
