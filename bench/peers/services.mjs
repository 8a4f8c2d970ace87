// Three departments' GraphQL services (Apollo Federation subgraphs) over rows in memory.
// usage: node services.mjs ROWS.json PORT PORT PORT
import { readFileSync } from "node:fs";
import Fastify from "fastify";
import { mercuriusFederationPlugin } from "@mercuriusjs/federation";

const [rowsFile, ...ports] = process.argv.slice(2);
const tables = JSON.parse(readFileSync(rowsFile, "utf8"));

for (const [at, [field, { items, rows }]] of Object.entries(tables).entries()) {
  const type = field[0].toUpperCase() + field.slice(1);
  const found = new Map(rows.map((row) => [row.uscc, row]));
  const lookup = (uscc) => found.get(uscc) ?? null;
  const owner = at === 0;
  // Federation v1 throughout: both peers read it.
  const schema = `
    extend type Query {
      ${owner ? "enterprise(uscc: ID!): Enterprise" : ""}
      ${field}(uscc: ID!): ${type}
    }
    ${owner ? "" : "extend"} type Enterprise @key(fields: "uscc") {
      uscc: ID! ${owner ? "" : "@external"}
      ${field}: ${type}
    }
    type ${type} @key(fields: "uscc") { uscc: ID! ${items.map((item) => `${item}: String`).join(" ")} }
  `;
  const resolvers = {
    Query: {
      ...(owner ? { enterprise: (_, { uscc }) => ({ uscc }) } : {}),
      [field]: (_, { uscc }) => lookup(uscc),
    },
    Enterprise: {
      __resolveReference: ({ uscc }) => ({ uscc }),
      [field]: ({ uscc }) => lookup(uscc),
    },
    [type]: { __resolveReference: ({ uscc }) => lookup(uscc) },
  };
  const app = Fastify();
  await app.register(mercuriusFederationPlugin, { schema, resolvers, jit: 1 });
  await app.listen({ host: "127.0.0.1", port: Number(ports[at]) });
}
