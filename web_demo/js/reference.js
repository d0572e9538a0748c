// @ts-check
/** /docs: every operation of openapi.json, with its parameters, bodies and answers. */

import { make } from "./dom.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

/** @typedef {Record<string, any>} Json */

/**
 * What a schema says, with its references followed.
 * @param {Json} api
 * @param {Json} schema
 * @returns {Json}
 */
function resolved(api, schema) {
  if (schema.$ref) return resolved(api, api.components.schemas[schema.$ref.split("/").at(-1)]);
  const [only, ...more] = (schema.anyOf ?? []).filter((/** @type {Json} */ one) => one.type !== "null");
  if (only && more.length === 0) return { ...schema, ...resolved(api, only), description: schema.description ?? only.description };
  return schema;
}

/**
 * A schema's type in a few words, such as "string, at most 10000 characters".
 * @param {Json} api
 * @param {Json} given
 * @returns {string}
 */
function typeOf(api, given) {
  const schema = resolved(api, given);
  if (schema.enum) return schema.enum.map((/** @type {unknown} */ one) => JSON.stringify(one)).join(" or ");
  if ("const" in schema) return JSON.stringify(schema.const);
  const words = [schema.type === "array" ? `list of ${typeOf(api, schema.items ?? {})}` : schema.type ?? "any"];
  if (schema.minimum !== undefined) words.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined) words.push(`to ${schema.maximum}`);
  if (schema.maxLength !== undefined) words.push(`at most ${schema.maxLength} characters`);
  if (schema.pattern) words.push(schema.pattern);
  if (schema.default !== undefined && schema.default !== null) words.push(`default ${JSON.stringify(schema.default)}`);
  return words.join(", ");
}

/**
 * One line of a list of fields.
 * @param {string} name
 * @param {string} type
 * @param {boolean} required
 * @param {string} [description]
 */
const field = (name, type, required, description) => [
  make("dt", {}, make("code", {}, name), required ? make("span", { className: "required" }, "required") : ""),
  make("dd", {}, make("span", { className: "type" }, type), description ? make("p", {}, description) : ""),
];

/**
 * The fields of an object, those of objects within it behind a dot.
 * @param {Json} api
 * @param {Json} given
 * @param {string} [prefix]
 * @returns {HTMLElement[]}
 */
function fields(api, given, prefix = "") {
  const schema = resolved(api, given);
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const inner = resolved(api, property);
    const listed = inner.type === "array" ? resolved(api, inner.items ?? {}) : inner;
    const path = `${prefix}${name}${inner.type === "array" ? "[]" : ""}`;
    const description = property.description ?? (listed.properties ? undefined : inner.description);
    return [
      ...field(`${prefix}${name}`, typeOf(api, property), (schema.required ?? []).includes(name), description),
      ...(listed.properties ? fields(api, listed, `${path}.`) : []),
    ];
  });
}

/**
 * A body: its media types, and its fields when it has any.
 * @param {Json} api
 * @param {Json} [content]
 */
function body(api, content = {}) {
  const [schema] = Object.values(content).map((one) => one.schema ?? {});
  const lines = schema ? fields(api, schema) : [];
  return [
    ...Object.keys(content).map((type) => make("p", {}, make("code", {}, type))),
    lines.length ? make("dl", { className: "fields" }, ...lines) : "",
  ];
}

/**
 * Paragraphs, divided by empty lines.
 * @param {string} [text]
 */
const paragraphs = (text = "") =>
  text.trim().split(/\n{2,}/).filter(Boolean).map((one) => make("p", {}, one.replaceAll("`", "").replaceAll("**", "")));

/**
 * @param {Json} api
 * @param {string} method
 * @param {string} path
 * @param {Json} operation
 */
function entry(api, method, path, operation) {
  const answers = Object.entries(operation.responses ?? {});
  const good = answers.filter(([status]) => Number(status) < 400);
  const bad = answers.filter(([status]) => Number(status) >= 400);
  const part = (/** @type {string} */ title, /** @type {(Node|string)[]} */ ...children) => [make("h3", {}, title), ...children];
  const parameters = (operation.parameters ?? []).flatMap((/** @type {Json} */ one) =>
    field(`${one.in === "query" ? "?" : ""}${one.name}`, typeOf(api, one.schema ?? {}), one.required ?? false, one.description));
  return make("details", { className: "card operation", id: operation.operationId },
    make("summary", {},
      make("span", { className: `method ${method}` }, method.toUpperCase()), " ",
      make("code", { className: "path" }, path), " ",
      make("span", { className: "about" }, operation.summary ?? "")),
    ...paragraphs(operation.description),
    ...(parameters.length ? part("Parameters", make("dl", { className: "fields" }, ...parameters)) : []),
    ...(operation.requestBody ? part("Body", ...body(api, operation.requestBody.content)) : []),
    ...good.flatMap(([status, answer]) => part(`Answer ${status}`, ...body(api, answer.content))),
    ...(bad.length ? part("Errors", make("p", {}, bad.map(([status, answer]) => `${status} ${answer.description}`).join(", "))) : []));
}

/** @param {Json} api */
function* sections(api) {
  yield make("div", { className: "intro" },
    make("p", { className: "type" }, `Version ${api.info.version}, OpenAPI ${api.openapi}`), ...paragraphs(api.info.description));
  for (const tag of api.tags ?? []) {
    const entries = Object.entries(api.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method]?.tags?.includes(tag.name)).map((method) => entry(api, method, path, item[method])));
    if (entries.length) yield make("section", {}, make("h2", {}, tag.name), ...paragraphs(tag.description), ...entries);
  }
}

async function show() {
  const main = document.querySelector("main");
  if (!main) return;
  try {
    const response = await fetch("openapi.json");
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    main.replaceChildren(...sections(await response.json()));
    const named = document.getElementById(location.hash.slice(1));
    if (named instanceof HTMLDetailsElement) {
      named.open = true;
      named.scrollIntoView();
    }
  } catch (error) {
    main.replaceChildren(make("p", { role: "alert" }, `openapi.json cannot be read: ${error instanceof Error ? error.message : error}. Reload to try again.`));
  } finally {
    main.ariaBusy = "false";
  }
}

await show();
