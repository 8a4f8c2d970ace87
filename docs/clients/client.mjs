// Ask the exchange and check the receipt. Node 18 or later, nothing to install.
//
//   node client.mjs BASE_URL KEY.pem VKEY REQUEST.json
//
// BASE_URL  where the exchange is; with /test at its end the test zone
// KEY.pem   your system's Ed25519 key (PKCS #8)
// VKEY      the log's public key, got from a place that the operator does not control
// REQUEST   {"query": …, "variables": …, "extensions": {"usage": …}}
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();

function signed(url, body, key) {
  const { x } = createPublicKey(key).export({ format: "jwk" });
  const keyId = sha256(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).toString("base64url"); // RFC 7638
  const digest = `sha-256=:${sha256(body).toString("base64")}:`; // RFC 9530
  const created = Math.floor(Date.now() / 1000);
  const params =
    '("@method" "@authority" "@path" "@query" "content-type" "content-digest")' +
    `;created=${created};expires=${created + 60};nonce="${randomBytes(16).toString("base64url")}"` +
    `;keyid="${keyId}";tag="exchange/1"`;
  const base = [
    '"@method": POST',
    `"@authority": ${url.host}`,
    `"@path": ${url.pathname}`,
    '"@query": ?',
    '"content-type": application/json',
    `"content-digest": ${digest}`,
    `"@signature-params": ${params}`,
  ].join("\n"); // RFC 9421, 2.5
  return {
    "content-type": "application/json",
    accept: "application/graphql-response+json",
    "content-digest": digest,
    "signature-input": `sig=${params}`,
    signature: `sig=:${sign(null, Buffer.from(base), key).toString("base64")}:`,
  };
}

// The bytes of the member `data`, exactly as received: their digest is in the log.
function dataOf(raw) {
  const text = raw.toString();
  if (!text.startsWith('{"data":')) throw new Error("the answer does not begin with its data");
  let depth = 0, quoted = false, at = 8;
  for (; at < text.length; at++) {
    const c = text[at];
    if (quoted) {
      if (c === "\\") at++;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === "{" || c === "[") depth++;
    else if (c === "}" || c === "]") {
      if (depth === 0) break;
      depth--;
    } else if (c === "," && depth === 0) break;
  }
  return Buffer.from(text.slice(8, at));
}

// RFC 9162, 2.1.3.2: the root that a leaf and its proof lead to.
function rootOf(leaf, index, size, proof) {
  let hash = sha256(Buffer.of(0), leaf), node = BigInt(index), last = BigInt(size) - 1n;
  for (const step of proof.map((held) => Buffer.from(held, "base64"))) {
    if (last === 0n) throw new Error("the proof is too long");
    if (node & 1n || node === last) {
      hash = sha256(Buffer.of(1), step, hash);
      while (!(node & 1n) && node !== 0n) { node >>= 1n; last >>= 1n; }
    } else hash = sha256(Buffer.of(1), hash, step);
    node >>= 1n; last >>= 1n;
  }
  if (last !== 0n) throw new Error("the proof is too short");
  return hash;
}

function checkReceipt(raw, body, vkey) {
  const { receipt } = JSON.parse(raw).extensions;
  const { digests } = JSON.parse(receipt.entry);
  for (const [name, content] of [["request", body], ["answer", dataOf(raw)]]) {
    const salt = Buffer.from(receipt.openings[name].salt, "base64url");
    if (sha256(salt, content).toString("base64url") !== digests[name]) throw new Error(`another ${name}`);
  }
  const end = receipt.checkpoint.indexOf("\n\n") + 1;
  const text = receipt.checkpoint.slice(0, end);
  const [origin, size, root] = text.split("\n");
  const [name, id, encoded] = [vkey.split("+")[0], vkey.split("+")[1], vkey.split("+").slice(2).join("+")];
  if (origin !== name || Number(size) !== receipt.size) throw new Error("a checkpoint of another log");
  const leads = rootOf(Buffer.from(receipt.entry), receipt.index, receipt.size, receipt.proof);
  if (leads.toString("base64") !== root) throw new Error("the entry is no leaf of the tree");
  const held = { kty: "OKP", crv: "Ed25519", x: Buffer.from(encoded, "base64").subarray(1).toString("base64url") };
  const publicKey = createPublicKey({ key: held, format: "jwk" });
  const holds = receipt.checkpoint.slice(end + 1).split("\n").some((line) => {
    const [dash, signer, blob] = line.split(" ");
    const bytes = Buffer.from(blob ?? "", "base64");
    return dash === "—" && signer === name && bytes.subarray(0, 4).toString("hex") === id &&
      verify(null, Buffer.from(text), publicKey, bytes.subarray(4));
  });
  if (!holds) throw new Error("the checkpoint is not signed by the log's key");
  return receipt.index;
}

const [baseUrl, keyFile, vkey, requestFile] = process.argv.slice(2);
const url = new URL(`${baseUrl.replace(/\/$/, "")}/graphql`);
const body = readFileSync(requestFile);
const response = await fetch(url, {
  method: "POST",
  body,
  headers: signed(url, body, createPrivateKey(readFileSync(keyFile))),
});
const raw = Buffer.from(await response.arrayBuffer());
const answer = JSON.parse(raw);
if (!("data" in answer)) {
  console.error(`${response.status} ${answer.errors[0].extensions.code}: ${answer.errors[0].message}`);
  process.exit(1);
}
const index = checkReceipt(raw, body, vkey);
for (const line of answer.extensions.outcomes) {
  console.error(`${line.path.join(".")}: ${line.outcome}${line.code ? ` (${line.code})` : ""}`);
}
console.log(JSON.stringify({ data: answer.data, receipt: index }));
