// Judges random values by the rendered pages in headless Chromium: each library must show the fields that the model shows.
//
//   node rendered.mjs TREES CHART COUNT
//
// Only values that the model accepts are shown, since a form does not hold others.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { open } from "./browser.mjs";

const [trees, chart, count] = process.argv.slice(2);
const MOST_TOLD = 10;

const chosen = [];
/** Every field that some tree shows. */
const fields = new Set();
for await (const line of createInterface({ input: createReadStream(trees) })) {
  const tree = JSON.parse(line);
  tree.shown.forEach((path) => fields.add(path));
  if (tree.accepted && chosen.length < Number(count)) {
    chosen.push(tree);
  }
}
if (chosen.length < Number(count)) {
  console.log(`only ${chosen.length} of these trees are accepted`);
  process.exit(1);
}

/** The paths of the fields on the page: what has a place and something in it. */
function shownOn(page) {
  return page.evaluate(() => {
    const places = [...document.querySelectorAll("[data-path]")].filter((place) => place.childElementCount > 0);
    return places.map((place) => place.dataset.path.replace(/^root\.?/, ""));
  });
}

const wrong = [];
function compare(library, found, expected, tree) {
  const more = [...found].filter((path) => !expected.has(path));
  const less = [...expected].filter((path) => !found.has(path));
  if (more.length + less.length > 0) {
    wrong.push(`${library} shows too much [${more}], too little [${less}] with ${JSON.stringify(tree.given)}`);
  }
}

async function rjsf(browser) {
  const page = await browser.page(chart, "rjsf", "en");
  for (const tree of chosen) {
    await page.evaluate((values) => window.midships.show(values), tree.values);
    const shown = new Set(await shownOn(page));
    // Groups and the entries of lists have places too.
    compare("RJSF", new Set([...shown].filter((path) => fields.has(path))), new Set(tree.shown), tree);
  }
}

async function jsonForms(browser) {
  const page = await browser.page(chart, "json-forms", "en");
  // Which tabs there are depends on the values: each tree is shown tab by tab.
  for (const tree of chosen) {
    const found = new Set();
    await page.evaluate((values) => window.midships.show(values), tree.values);
    const tabs = await page.locator('[role="tab"]').count();
    for (let tab = 0; tab < tabs; tab += 1) {
      await page.evaluate((number) => document.querySelectorAll('[role="tab"]')[number].click(), tab);
      (await shownOn(page)).forEach((path) => found.add(path));
    }
    compare("JSON Forms", new Set([...found].filter((path) => fields.has(path))), new Set(tree.shown), tree);
  }
}

const browser = await open();
await Promise.all([rjsf(browser), jsonForms(browser)]);
await browser.close();
wrong.slice(0, MOST_TOLD).forEach((text) => console.log(text));
browser.faults.slice(0, MOST_TOLD).forEach((text) => console.log(text));
console.log(`${chart}: ${chosen.length} trees on the pages of RJSF and JSON Forms; ${wrong.length} disagreements, ${browser.faults.length} errors on the console`);
process.exit(wrong.length + browser.faults.length > 0 ? 1 : 0);
