// Fills the form as a person does, and prints the values that come of it: one line of JSON for each library and language.
//
//   node fill.mjs SCREENSHOTS
//
// What is filled in: one name server in memory, one group of brokers without replicas, small stores and heaps.
import { mkdirSync } from "node:fs";
import { open } from "./browser.mjs";

const [screenshots] = process.argv.slice(2);
mkdirSync(screenshots, { recursive: true });

const TEXTS = [
  ["nameServers.count", "1"],
  ["nameServers.heapMegabytes", "96"],
  ["nameServers.resources.limits.memory", "384Mi"],
  ["nameServers.storage.size", "128Mi"],
  ["brokers.groups", "1"],
  ["brokers.replicasPerGroup", "0"],
  ["brokers.resources.requests.memory", "320Mi"],
  ["brokers.resources.limits.memory", "768Mi"],
  ["brokers.heapMegabytes", "256"],
  ["brokers.directMemoryMegabytes", "192"],
  ["brokers.clientRouteRefreshSeconds", "5"],
  ["brokers.storage.size", "1Gi"],
  ["brokers.commitLogFileMegabytes", "16"],
];
const MAPPING = ["brokers.configuration", "deleteWhen", "04"];

const place = (page, path) => page.locator(`[data-path="root.${path}"]`);

/** Makes what is folded or on another tab visible. */
async function reveal(page, library, path) {
  if (library === "json-forms") {
    const tabs = page.locator('[role="tab"]');
    for (let tab = 0; (await place(page, path).count()) === 0; tab += 1) {
      await tabs.nth(tab).click();
    }
    return;
  }
  const folded = page.locator(".MuiAccordion-root", { has: place(page, path) });
  for (let index = 0; index < (await folded.count()); index += 1) {
    const button = folded.nth(index).locator("> h3 button, > .MuiAccordionSummary-root").first();
    if ((await button.getAttribute("aria-expanded")) === "false") {
      await button.click();
    }
  }
}

async function fill(page, library) {
  await reveal(page, library, "nameServers.storage.mode");
  await place(page, "nameServers.storage.mode").locator('[role="combobox"]').first().click();
  await page.locator('[role="option"]', { hasText: "EmptyDir" }).click();
  for (const [path, text] of TEXTS) {
    await reveal(page, library, path);
    await place(page, path).locator("input").first().fill(text);
  }
  const [path, key, value] = MAPPING;
  await reveal(page, library, path);
  const mapping = place(page, path);
  if (library === "json-forms") {
    await mapping.locator("textarea").first().fill(`${key}: "${value}"`);
  } else {
    await mapping.locator("button").last().click();
    const inputs = mapping.locator("input");
    await inputs.nth(0).fill(key);
    await inputs.nth(0).blur();
    await place(page, `${path}.${key}`).waitFor();
    await inputs.nth(1).fill(value);
  }
}

const browser = await open();
for (const library of ["rjsf", "json-forms"]) {
  for (const language of ["en", "zh-CN"]) {
    const page = await browser.page("rocketmq", library, language);
    await page.screenshot({ path: `${screenshots}/${library}-${language}.png`, fullPage: true });
    await fill(page, library);
    // JSON Forms tells its changes a moment later.
    await page.waitForFunction(() => window.midships.values().brokers?.configuration?.deleteWhen === "04");
    await page.waitForFunction(() => window.midships.values().brokers?.commitLogFileMegabytes === 16);
    await page.screenshot({ path: `${screenshots}/${library}-${language}-filled.png`, fullPage: true });
    console.log(JSON.stringify({ library, language, values: await page.evaluate(() => window.midships.values()) }));
    await page.close();
  }
}
await browser.close();
if (browser.faults.length > 0) {
  console.error(browser.faults.join("\n"));
  process.exit(1);
}
