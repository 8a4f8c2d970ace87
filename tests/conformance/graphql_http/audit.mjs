// Runs the public audits against the address given and prints each one's result as a line of JSON.
import { createRequire } from "node:module";

const [folder, url] = process.argv.slice(2);
const { serverAudits } = createRequire(`${folder}/`)("graphql-http");

for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const result = await audit.fn();
  console.log(
    JSON.stringify({ id: audit.id, name: audit.name, status: result.status, reason: result.reason ?? null }),
  );
}
