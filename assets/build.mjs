// Compiles portal.scss, takes htmx, and writes docs/licences.md: what each served file is, and its digest.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as sass from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../exchange/portal/static");
const text = (path) => readFileSync(path, "utf8");
const version = (name) => JSON.parse(text(join(here, "node_modules", name, "package.json"))).version;

mkdirSync(join(out, "js"), { recursive: true });
mkdirSync(join(out, "licences"), { recursive: true });
const built = sass.compile(join(here, "portal.scss"), {
  style: "compressed",
  loadPaths: [join(here, "node_modules")],
  quietDeps: true,
});
for (const unwanted of ["url(", "crest", "GDS Transport", "@font-face", "@import"]) {
  if (built.css.includes(unwanted)) throw new Error(`the style sheet has ${unwanted}, which it must not`);
}
writeFileSync(
  join(out, "portal.css"),
  `/* govuk-frontend ${version("govuk-frontend")} (MIT), parts, with our own colours and frame: docs/licences.md */\n${built.css}\n`,
);
copyFileSync(join(here, "node_modules/htmx.org/dist/htmx.min.js"), join(out, "js/htmx.min.js"));
copyFileSync(join(here, "node_modules/htmx.org/LICENSE"), join(out, "licences/htmx.org.txt"));
// The npm package of govuk-frontend carries no licence's text: this one is of its repository.
copyFileSync(join(here, "govuk-frontend.licence.txt"), join(out, "licences/govuk-frontend.txt"));

const origin = {
  "portal.css": ["govuk-frontend, parts, and our own", version("govuk-frontend"), "MIT, Apache-2.0"],
  "js/htmx.min.js": ["htmx.org", version("htmx.org"), "0BSD"],
};
const files = readdirSync(out, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.parentPath.endsWith("licences"))
  .map((entry) => join(entry.parentPath, entry.name).slice(out.length + 1))
  .sort();
const rows = files.filter((name) => name in origin).map((name) => {
  const [what, which, licence] = origin[name];
  const digest = createHash("sha256").update(readFileSync(join(out, name))).digest("hex");
  return `| \`${name}\` | ${what} | ${which} | ${licence} | \`${digest}\` |`;
});
writeFileSync(
  join(here, "../docs/licences.md"),
  `# Licences of the front-end files

Written by \`make assets\` (npm packages at exact versions, \`assets/package-lock.json\`). The files are kept in
\`exchange/portal/static\`; nothing that runs or tests needs npm. The licences' texts stand in \`static/licences\`.
The other files there are our own (Apache-2.0).

| file | from | version | licence | SHA-256 |
|---|---|---|---|---|
${rows.join("\n")}

## Python

What runs stands in \`requirements/run.lock\`, by digest. Compiled code that reads what departments upload:

| package | what it does | licence |
|---|---|---|
| python-calamine | reads .xlsx workbooks, in a process of its own | MIT |
`,
);
console.log(`${files.length} files, style sheet ${Math.round(built.css.length / 1024)} KB`);
