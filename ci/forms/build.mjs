// Builds the page of forms into built/, with the schemas of the checkout beside it.
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const built = resolve(here, "built");

rmSync(built, { recursive: true, force: true });
mkdirSync(built, { recursive: true });
cpSync(resolve(here, "page/index.html"), resolve(built, "index.html"));
cpSync(resolve(here, "../../schemas"), resolve(built, "schemas"), { recursive: true });
await build({
  entryPoints: [resolve(here, "page/page.jsx")],
  outfile: resolve(built, "page.js"),
  bundle: true,
  minify: true,
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
});
