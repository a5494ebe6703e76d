// Writes src/contract.ts from src/contract.schema.json, which `make generate` makes of the server's models.
import { readFileSync, writeFileSync } from "node:fs";

const SCHEMA = new URL("src/contract.schema.json", import.meta.url);
const TYPES = new URL("src/contract.ts", import.meta.url);
const SIMPLE = { string: "string", number: "number", integer: "number", boolean: "boolean", null: "null" };

/** What a part of the schema is called in TypeScript. What it does not know it refuses, rather than guess. */
function typeOf(part) {
  if (part.$ref) return part.$ref.replace("#/$defs/", "");
  if ("const" in part) return JSON.stringify(part.const);
  if (part.enum) return part.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (part.anyOf) return part.anyOf.map(typeOf).join(" | ");
  if (part.prefixItems) return `[${part.prefixItems.map(typeOf).join(", ")}]`;
  if (part.type === "array") return `${bracketed(typeOf(part.items))}[]`;
  if (part.type === "object" && part.additionalProperties)
    return `Partial<Record<${typeOf(part.propertyNames ?? { type: "string" })}, ${typeOf(part.additionalProperties)}>>`;
  if (SIMPLE[part.type]) return SIMPLE[part.type];
  throw new Error(`no type is known for ${JSON.stringify(part)}`);
}

const bracketed = (type) => (type.includes(" | ") ? `(${type})` : type);
const comment = ({ description }, indent) => (description ? `${indent}/** ${description.replaceAll("\n", " ")} */\n` : "");

function declaration(name, part) {
  if (!part.properties) return `${comment(part, "")}export type ${name} = ${typeOf(part)};\n`;
  const needed = new Set(part.required);
  const fields = Object.entries(part.properties).map(
    ([field, one]) => `${comment(one, "  ")}  ${field}${needed.has(field) ? "" : "?"}: ${typeOf(one)};\n`,
  );
  return `${comment(part, "")}export interface ${name} {\n${fields.join("")}}\n`;
}

export function types() {
  const schema = JSON.parse(readFileSync(SCHEMA, "utf8"));
  const all = Object.entries(schema.$defs).map(([name, part]) => declaration(name, part));
  return `// Generated from contract.schema.json by \`make page\`: do not edit.\n\n${all.join("\n")}`;
}

export const written = () => readFileSync(TYPES, "utf8");

if (process.argv[1] === new URL(import.meta.url).pathname) writeFileSync(TYPES, types());
