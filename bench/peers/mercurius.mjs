// The mercurius gateway in front of the three services.  usage: node mercurius.mjs PORT URL URL URL
import Fastify from "fastify";
import mercuriusGateway from "@mercuriusjs/gateway";

const [port, ...urls] = process.argv.slice(2);
const app = Fastify();
await app.register(mercuriusGateway, {
  jit: 1,
  gateway: {
    services: urls.map((url, at) => ({
      name: `department${at}`,
      url,
      keepAlive: 60_000,
      connections: 32,
    })),
  },
});
await app.listen({ host: "127.0.0.1", port: Number(port) });
