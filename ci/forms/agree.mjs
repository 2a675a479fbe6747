// Judges random values with the form libraries' own resolvers: every dialect must show and require the fields that the model
// does, and every validator must accept and refuse what the model does.
//
//   node agree.mjs TREES ROOT CHART [PART PARTS]
//
// TREES holds a line of JSON for each tree of values; ROOT is the checkout, or where an offering was made; CHART is the chart
// there. With PART of PARTS only every so many lines.
import { createReadStream, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { createAjv, isVisible } from "@jsonforms/core";
import { retrieveSchema } from "@rjsf/utils";
import validator from "@rjsf/validator-ajv8";
import Ajv from "ajv";
import jexl from "jexl";
import yaml from "js-yaml";

const [trees, root, chart, part = "0", parts = "1"] = process.argv.slice(2);
const MOST_TOLD = 10;

const read = (path) => readFileSync(`${root}/${path}`, "utf8");
const json = (kind) => JSON.parse(read(`schemas/${chart}.${kind}`));

/** The value at a path such as `brokers.storage.mode`. */
function at(values, path) {
  return path.split(".").reduce((value, step) => value?.[step], values);
}

/** Every field and group of a schema, by path. */
function places(schema, path = "", found = new Map()) {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const place = path ? `${path}.${name}` : name;
    found.set(place, property);
    places(property, place, found);
  }
  return found;
}

const model = places(json("model.json"));
const fields = [...model].filter(([, schema]) => !schema.properties && !schema["x-hidden"]).map(([path]) => path);

/** RJSF: a field is shown when the schema resolved for the values has it. */
function rjsf() {
  const schema = json("rjsf.schema.json");
  return ({ values }) => {
    const resolved = retrieveSchema(validator, schema, schema, values);
    const found = places(resolved);
    const shown = [...found].filter(([, property]) => !property.properties).map(([path]) => path);
    const required = shown.filter((path) => {
      const [above, name] = path.includes(".") ? [path.slice(0, path.lastIndexOf(".")), path.slice(path.lastIndexOf(".") + 1)] : ["", path];
      return (above ? found.get(above) : resolved).required?.includes(name);
    });
    return { shown, required };
  };
}

/** JSON Forms: a control is shown when it and all that it is in are visible. */
function jsonForms() {
  const ui = json("json-forms.ui.json");
  const texts = json("json-forms.en.json");
  const ajv = createAjv();
  const validate = ajv.compile(json("json-forms.schema.json"));
  const marked = Object.keys(texts).filter((key) => key.endsWith(".label") && texts[key].endsWith(" *")).map((key) => key.slice(0, -".label".length));
  return ({ values }) => {
    const shown = [];
    const visit = (element) => {
      if (!isVisible(element, values, undefined, ajv, undefined)) {
        return;
      }
      if (element.type === "Control") {
        shown.push(element.scope.replace("#/properties/", "").replaceAll("/properties/", "."));
      }
      element.elements?.forEach(visit);
    };
    visit(ui);
    // What is marked is required in truth: when it is emptied, the form has an error there.
    const demanded = marked.filter((path) => {
      const [above, name] = [path.slice(0, Math.max(0, path.lastIndexOf("."))), path.slice(path.lastIndexOf(".") + 1)];
      const emptied = structuredClone(values);
      const group = above ? at(emptied, above) : emptied;
      if (typeof group !== "object" || group === null || Array.isArray(group)) {
        return false;
      }
      group[name] = model.get(path).type === "array" ? [] : "";
      validate(emptied);
      const pointer = `/${path.replaceAll(".", "/")}`;
      return (validate.errors ?? []).some((error) => error.instancePath === pointer && error.keyword.startsWith("min"));
    });
    const required = marked.filter((path) => shown.includes(path));
    const silent = required.filter((path) => !demanded.includes(path));
    if (silent.length > 0) {
      throw new Error(`JSON Forms marks ${silent} but does not require it`);
    }
    return { shown, required };
  };
}

/** Rancher: its conditions become Jexl expressions, read as its dashboard reads them. */
function rancher() {
  const { questions } = yaml.load(read(`charts/${chart}/questions.yaml`));
  const asked = new Set(questions.map((question) => question.variable));
  const equality = (text) => {
    // Greedy, as in the dashboard.
    const [, path, operator, value] = text.match(/^(.*)(!?=)(.*)$/);
    const literal = ["true", "false", "null"].includes(value.trim()) ? value.trim() : `"${value.trim()}"`;
    return `${path.trim()} ${operator === "!=" ? "!=" : "=="} ${literal}`;
  };
  const expression = (text) => text.split("||").map((one) => one.split("&&").map(equality).join(" && ")).join(" || ");
  const compiled = questions.map((question) => {
    const condition = question.if ?? (question.show_if && expression(question.show_if));
    return [question, condition && jexl.compile(condition)];
  });
  return ({ values }) => {
    const shown = compiled.filter(([, condition]) => !condition || condition.evalSync(values)).map(([question]) => question);
    return {
      shown: shown.map((question) => question.variable),
      required: shown.filter((question) => question.required).map((question) => question.variable),
      known: asked,
    };
  };
}

/** Kubeapps and KubeGems: a property is hidden when one of its conditions holds, and with what it is in. */
function kubeapps() {
  const schema = places(json("values.json"));
  const deciding = new Set();
  for (const property of schema.values()) {
    property.hidden?.conditions.forEach((condition) => deciding.add(condition.path.replaceAll("/", ".")));
  }
  return ({ values }) => {
    // What no field can be is refused before a form is shown.
    const impossible = [...deciding].some((path) => {
      const { enum: choices = [true, false] } = model.get(path);
      return !choices.includes(at(values, path));
    });
    if (impossible) {
      return undefined;
    }
    const hidden = (path) => (schema.get(path).hidden?.conditions ?? []).some((condition) => at(values, condition.path.replaceAll("/", ".")) === condition.value);
    const above = (path) => path.split(".").map((_, index, steps) => steps.slice(0, index + 1).join("."));
    return { shown: fields.filter((path) => !above(path).some(hidden)) };
  };
}

const dialects = { rjsf: rjsf(), jsonForms: jsonForms(), rancher: rancher(), kubeapps: kubeapps() };
const ajv = new Ajv({ strict: false, logger: false }).compile(json("values.json"));

const counts = { trees: 0, accepted: 0, shown: 0, hidden: 0, required: 0 };
const wrong = [];
function compare(what, found, expected, tree) {
  const [one, other] = [[...found].sort(), [...expected].sort()];
  if (JSON.stringify(one) !== JSON.stringify(other)) {
    const more = one.filter((path) => !other.includes(path));
    const less = other.filter((path) => !one.includes(path));
    wrong.push(`${what}: too many [${more}], too few [${less}] with ${JSON.stringify(tree.given)}`);
  }
}

let number = 0;
for await (const line of createInterface({ input: createReadStream(trees) })) {
  if (number++ % Number(parts) !== Number(part)) {
    continue;
  }
  const tree = JSON.parse(line);
  for (const [name, judge] of Object.entries(dialects)) {
    const judged = judge(tree);
    if (judged) {
      const known = (paths) => (judged.known ? paths.filter((path) => judged.known.has(path)) : paths);
      compare(`${name} shows`, judged.shown, known(tree.shown), tree);
      if (judged.required) {
        compare(`${name} requires`, judged.required, known(tree.required), tree);
      }
    }
  }
  if (ajv(tree.values) !== tree.accepted) {
    wrong.push(`Ajv ${tree.accepted ? "refuses" : "accepts"}: ${JSON.stringify(tree.given)} ${JSON.stringify(ajv.errors)}`);
  }
  counts.trees += 1;
  counts.accepted += tree.accepted;
  counts.shown += tree.shown.length;
  counts.hidden += fields.length - tree.shown.length;
  counts.required += tree.required.length;
}

wrong.slice(0, MOST_TOLD).forEach((text) => console.log(text));
console.log(`${chart}: ${counts.trees} trees: ${counts.accepted} accepted, ${counts.shown} fields shown, ${counts.hidden} hidden, ${counts.required} required; ${wrong.length} disagreements`);
// An offering may have no field that can be hidden or is required.
const some = (key) => fields.some((path) => model.get(path)[key]);
const silent = (some("x-visible-if") && counts.hidden === 0) || (some("x-required") && counts.required === 0);
if (counts.trees === 0 || silent || counts.accepted === 0 || counts.accepted === counts.trees) {
  console.log("these trees prove nothing");
  process.exit(1);
}
process.exit(wrong.length > 0 ? 1 : 0);
