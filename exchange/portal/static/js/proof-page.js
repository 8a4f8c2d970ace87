// Checks the proof on an entry's page anew, in this browser, and writes what it found beside each step.
//
// The page stands complete without it: the server shows the same steps as it computed them.

import { Fault, checkProof, parseSize, toBase64 } from "./proof.js";

const GOOD = new Set(["LEAF_INCLUDED", "CHECKPOINT_SIGNED"]);

function textsOf(section) {
  const texts = new Map();
  for (const one of section.querySelectorAll("[data-proof-text]")) {
    texts.set(one.dataset.proofText, one.textContent.trim());
  }
  return texts;
}

function mark(element, code, texts) {
  element.textContent = texts.get(code) ?? code;
  element.dataset.outcome = GOOD.has(code)
    ? "good"
    : code === "SIGNATURE_UNCHECKED"
      ? "open"
      : "bad";
}

/**
 * What is shown is what is checked: the entry and the checkpoint are read off the page.
 *
 * A reader who is told a part of the entry has its hash alone, as the server named it: `entry` is null then.
 */
function readPage(section) {
  const shown = (name) => section.querySelector(`[data-proof-${name}]`).textContent;
  const { index, size, hashes } = section.dataset;
  const whole = section.querySelector("[data-proof-entry]");
  return {
    entry: whole === null ? null : whole.textContent,
    leaf: section.dataset.leaf,
    index: parseSize(index),
    size: parseSize(size),
    hashes: hashes === "" ? [] : hashes.split(" "),
    checkpoint: shown("checkpoint"),
    vkey: section.querySelector("[data-proof-key]").value.trim(),
  };
}

function write(section, found, texts) {
  const put = (name, bytes) => {
    section.querySelector(`[data-proof-${name}]`).textContent = toBase64(bytes);
  };
  put("leaf", found.leaf);
  put("root", found.root);
  const rungs = section.querySelectorAll("[data-proof-rung]");
  found.steps.forEach((step, at) => {
    const computed = rungs[at].querySelector("[data-proof-computed]");
    computed.textContent = toBase64(step.computed);
    rungs[at].dataset.side = step.side;
  });
  mark(section.querySelector("[data-proof-inclusion]"), found.inclusion, texts);
  mark(section.querySelector("[data-proof-signature]"), found.signature, texts);
  const said =
    found.inclusion !== "LEAF_INCLUDED"
      ? "DOES_NOT_HOLD"
      : found.signature === "CHECKPOINT_SIGNED"
        ? "HOLDS"
        : found.signature === "SIGNATURE_UNCHECKED"
          ? "HOLDS_UNSIGNED"
          : "DOES_NOT_HOLD";
  say(section, said, texts);
}

function say(section, said, texts) {
  const verdict = section.querySelector("[data-proof-verdict]");
  verdict.textContent = texts.get(said);
  verdict.dataset.outcome = { HOLDS: "good", HOLDS_UNSIGNED: "open" }[said] ?? "bad";
  section.dataset.checked = said;
}

async function check(section) {
  const texts = textsOf(section);
  if (!globalThis.crypto?.subtle) {
    say(section, "NO_WEBCRYPTO", texts);
    section.querySelector("[data-proof-verdict]").dataset.outcome = "open";
    return;
  }
  try {
    write(section, await checkProof(readPage(section)), texts);
    section.querySelector("[data-proof-by-server]").hidden = true;
    section.querySelector("[data-proof-by-browser]").hidden = false;
  } catch (error) {
    if (!(error instanceof Fault)) {
      throw error;
    }
    mark(section.querySelector("[data-proof-signature]"), error.code, texts);
    say(section, "DOES_NOT_HOLD", texts);
  }
}

for (const section of document.querySelectorAll("[data-proof]")) {
  const form = section.querySelector("[data-proof-again]");
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    check(section);
  });
  check(section);
}
