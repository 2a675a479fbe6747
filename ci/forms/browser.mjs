// A browser with the page of forms: Debian's Chromium, and a server on loopback for what build.mjs has built.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { dirname, extname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const built = resolve(dirname(fileURLToPath(import.meta.url)), "built");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".json": "application/json" };

/** Opens the browser; the result opens pages and must be closed. */
export async function open() {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    const file = resolve(built, path === "/" ? "index.html" : path.slice(1));
    if (!file.startsWith(`${built}/`)) {
      response.writeHead(404).end();
      return;
    }
    try {
      const content = await readFile(file);
      response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const faults = [];
  return {
    /** What the pages have written to the console as errors. */
    faults,
    /** Opens the form of a chart, shown by a library, in a language. */
    async page(chart, library, language) {
      const page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
      page.on("pageerror", (error) => faults.push(`${library}: ${error.message}`));
      page.on("console", (message) => message.type() === "error" && faults.push(`${library}: ${message.text()}`));
      await page.goto(`http://127.0.0.1:${server.address().port}/?chart=${chart}&library=${library}&language=${language}`);
      await page.waitForFunction(() => window.midships && document.querySelector("[data-path]"));
      return page;
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}
