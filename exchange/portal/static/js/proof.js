// Checks in the browser that an entry is a leaf under a checkpoint that the log's key signed.
//
// RFC 6962 and 9162 (tree), C2SP signed-note and tlog-checkpoint (signature). It repeats `audit/verify.py` on
// purpose and shares nothing with the server: bytes that are not exactly as the formats demand are refused.

/** A check that cannot go on; `code` is one of those of `audit/verify.py`. */
export class Fault extends Error {
  constructor(code, needed) {
    super(`${code}: needed: ${needed}`);
    this.code = code;
  }
}

const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/;
const KEY_ID = /^[0-9a-f]{8}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const SIGNATURE_LINE = /^\u2014 ([^ ]+) ([^ ]+)$/u;
const CHECKPOINT = /^([^\s+]{1,255})\n([0-9]+)\n([^\n]+)\n$/u;
// Control characters but the line feed.
const CONTROL = new RegExp("[\\u0000-\\u0009\\u000b-\\u001f]", "u");
const ED25519 = 1;
const HASH_LENGTH = 32;
const PROOF_BOUND = 63;

function need(met, code, needed) {
  if (!met) {
    throw new Fault(code, needed);
  }
}

/** Read standard padded base64; another spelling of the same bytes is refused. */
export function fromBase64(text, code = "RECEIPT_MALFORMED") {
  need(BASE64.test(text), code, "base64");
  const characters = atob(text);
  need(btoa(characters) === text, code, "canonical base64");
  return Uint8Array.from(characters, (one) => one.charCodeAt(0));
}

export function toBase64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

function hex(bytes) {
  return Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function equal(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

function utf8(text) {
  // TextEncoder would put U+FFFD in place of what is not Unicode, and so hash something else.
  need(!/\p{Surrogate}/u.test(text), "RECEIPT_MALFORMED", "valid Unicode");
  return new TextEncoder().encode(text);
}

async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** Read a tree size or leaf index: digits, no sign, no leading zero, exact in this language. */
export function parseSize(text) {
  need(DECIMAL.test(text), "RECEIPT_MALFORMED", "a tree size");
  const size = Number(text);
  need(Number.isSafeInteger(size), "RECEIPT_MALFORMED", "a size below 2^53");
  return size;
}

/** Read the log's key: `name+id+base64(type and public key)`, Ed25519. */
export async function parseKey(vkey) {
  const code = "KEY_MALFORMED";
  const first = vkey.indexOf("+");
  const second = vkey.indexOf("+", first + 1);
  need(first > 0 && second > 0, code, "name+id+key");
  const name = vkey.slice(0, first);
  const identifier = vkey.slice(first + 1, second);
  need(!/\s/u.test(name), code, "a name without spaces");
  need(KEY_ID.test(identifier), code, "eight hex digits");
  const typed = fromBase64(vkey.slice(second + 1), code);
  need(typed.length === HASH_LENGTH + 1 && typed[0] === ED25519, code, "an Ed25519 key");
  const id = (await sha256(joined(utf8(`${name}\n`), typed))).slice(0, 4);
  need(hex(id) === identifier, code, "the id of this name and key");
  return { name, id, publicKey: typed.slice(1) };
}

/** Split a note at its last empty line into its text and its signature lines. */
export function parseNote(note) {
  const code = "RECEIPT_MALFORMED";
  need(!CONTROL.test(note), code, "no control characters");
  const at = note.lastIndexOf("\n\n");
  need(at >= 0 && note.endsWith("\n"), code, "signature lines below a blank line");
  const lines = note.slice(at + 2, -1).split("\n");
  const signatures = lines.map((line) => {
    const found = SIGNATURE_LINE.exec(line);
    need(found !== null, code, "signature lines");
    const raw = fromBase64(found[2]);
    need(raw.length > 4, code, "a signature");
    return { name: found[1], id: raw.slice(0, 4), signature: raw.slice(4) };
  });
  return { text: note.slice(0, at + 1), signatures };
}

/** Read a checkpoint's text: origin, size and root; further lines are refused. */
export function parseCheckpoint(text) {
  const found = CHECKPOINT.exec(text);
  need(found !== null, "RECEIPT_MALFORMED", "a checkpoint of origin, size and root");
  const root = fromBase64(found[3]);
  need(root.length === HASH_LENGTH, "RECEIPT_MALFORMED", "a root of 32 bytes");
  return { origin: found[1], size: parseSize(found[2]), root };
}

/** The hash of an entry as it stands. RFC 6962, 2.1: leaves are hashed behind a zero byte. */
export async function leafHash(entry) {
  return sha256(joined(Uint8Array.of(0), utf8(entry)));
}

/**
 * Climb from a leaf to the root to which its proof leads (RFC 9162, 2.1.3.2).
 *
 * Returns a step for each hash of the proof: on which side the given hash stands, and what both give.
 */
export async function climb(leaf, { index, size, hashes }) {
  const code = "LEAF_OUTSIDE";
  need(index >= 0 && index < size, code, "an index inside the tree");
  need(hashes.length <= PROOF_BOUND, code, "at most 63 hashes");
  need(hashes.every((one) => one.length === HASH_LENGTH), code, "hashes of 32 bytes");
  let place = index;
  let last = size - 1;
  let computed = leaf;
  const steps = [];
  for (const given of hashes) {
    need(last > 0, code, "fewer hashes");
    // Division, and not a shift: a shift would cut the number to 32 bits.
    const left = place % 2 === 1 || place === last;
    const pair = left ? [given, computed] : [computed, given];
    computed = await sha256(joined(Uint8Array.of(1), ...pair));
    steps.push({ side: left ? "left" : "right", given, computed });
    while (left && place % 2 === 0 && place > 0) {
      place /= 2;
      last = Math.floor(last / 2);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  need(last === 0, code, "more hashes");
  return { steps, root: computed };
}

/**
 * Check the signature of the log's key under a checkpoint.
 *
 * Returns CHECKPOINT_SIGNED, CHECKPOINT_UNSIGNED, SIGNATURE_FAILS, or SIGNATURE_UNCHECKED where this browser
 * has no Ed25519: the answer is then neither yes nor no.
 */
export async function checkSignature(note, key) {
  const { text, signatures } = parseNote(note);
  if (parseCheckpoint(text).origin !== key.name) {
    return "CHECKPOINT_UNSIGNED";
  }
  const ours = signatures.filter((one) => one.name === key.name && equal(one.id, key.id));
  if (ours.length === 0) {
    return "CHECKPOINT_UNSIGNED";
  }
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key.publicKey, { name: "Ed25519" }, false, [
      "verify",
    ]);
  } catch (error) {
    if (error.name === "NotSupportedError") {
      return "SIGNATURE_UNCHECKED";
    }
    return "SIGNATURE_FAILS";
  }
  const message = utf8(text);
  for (const { signature } of ours) {
    const holds =
      signature.length === 64 &&
      (await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message));
    if (!holds) {
      return "SIGNATURE_FAILS";
    }
  }
  return "CHECKPOINT_SIGNED";
}

/**
 * Check one proof whole. `entry` is the entry's text as recorded, `hashes` are base64, `vkey` the log's key.
 * Where `entry` is null the proof begins at `leaf`, its hash in base64, and says nothing of the entry's text.
 *
 * Returns each step of the climb, and a code each for the leaf and the signature. Throws Fault for what is
 * not even well-formed.
 */
export async function checkProof({ entry, leaf: named, index, size, hashes, checkpoint, vkey }) {
  const key = await parseKey(vkey);
  const signed = parseCheckpoint(parseNote(checkpoint).text);
  need(size === signed.size, "RECEIPT_MALFORMED", "the size of the checkpoint");
  const leaf = entry === null ? fromBase64(named) : await leafHash(entry);
  need(leaf.length === HASH_LENGTH, "RECEIPT_MALFORMED", "a leaf hash of 32 bytes");
  const climbed = await climb(leaf, { index, size, hashes: hashes.map((one) => fromBase64(one)) });
  const included = equal(climbed.root, signed.root);
  return {
    leaf,
    steps: climbed.steps,
    root: climbed.root,
    signedRoot: signed.root,
    inclusion: included ? "LEAF_INCLUDED" : "LEAF_OUTSIDE",
    signature: await checkSignature(checkpoint, key),
  };
}
