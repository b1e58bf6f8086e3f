/**
 * What a page may run and show (Content Security Policy Level 3). Pages are made once for everybody, so no nonce can name
 * their inline scripts: each page's policy holds the hashes of what Next put into it. A script that isn't data for Next's
 * own code, or ours, gets none and doesn't run, whoever wrote it into the page.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Before the first paint, or a visitor who chose the other theme would see a flash of this one. */
export const APPLY_THEME = `try{var t=localStorage.getItem("theme");if(t)document.documentElement.dataset.theme=t}catch(e){}`;
/** next/image gives it to every picture. */
const HIDDEN_ALT = "color:transparent";

const INLINE_SCRIPT = /<script(?![^>]*\s(?:src|type)=)[^>]*>([\s\S]*?)<\/script>/g;
const INLINE_STYLE = /<style[^>]*>([\s\S]*?)<\/style>/g;
const STYLE_ATTRIBUTE = /\sstyle="([^"]*)"/g;
/** What Next writes into a page: data that its own scripts take up. */
const DATA =
  /^(?:self\.__next_f|\(self\.__next_f=self\.__next_f\|\|\[\]\)|\(globalThis\["TURBOPACK"\] \|\| \(globalThis\["TURBOPACK"\] = \[\]\)\))\.push\(([\s\S]*)\);?$/;
/** @type {Record<string, string>} */
const ENTITIES = { "&quot;": '"', "&#x27;": "'", "&lt;": "<", "&gt;": ">", "&amp;": "&" };

/** @param {string} text */
const hashed = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** @param {string} script */
function isOurs(script) {
  if (script === APPLY_THEME) return true;
  const data = DATA.exec(script)?.[1];
  if (data === undefined) return false;
  try {
    JSON.parse(data);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} html @param {RegExp} pattern */
const found = (html, pattern) => [...new Set([...html.matchAll(pattern)].map((match) => match[1] ?? ""))];

/** @type {string[] | undefined} */
let styles;

/**
 * Hashes of the shop's style sheets, as Next puts them into pages: each by itself where the browser makes the page, together
 * where the server does.
 */
function builtStyles() {
  if (styles) return styles;
  const built = path.join(/* turbopackIgnore: true */ process.cwd(), ".next");
  const chunks = path.join(built, "static", "chunks");
  const sheets = readdirSync(chunks)
    .filter((name) => name.endsWith(".css"))
    .map((name) => readFileSync(path.join(chunks, name), "utf8"));
  const together = found(readFileSync(path.join(built, "server", "app", "_not-found.html"), "utf8"), INLINE_STYLE);
  styles = [...sheets, ...together].map(hashed);
  return styles;
}

/** Where hashed files are fetched from, besides the shop; known to the build. */
export function assets() {
  const built = JSON.parse(process.env.__NEXT_PRIVATE_STANDALONE_CONFIG ?? "{}");
  return String(built.assetPrefix ?? process.env.ASSET_PREFIX ?? "");
}

/** What holds for every answer, and for every page beside its own policy. @param {string} from */
export const base = (from) =>
  policy({
    "font-src": ["'self'", from],
    "img-src": ["'self'", "data:", "blob:"],
    "connect-src": ["'self'"],
    "manifest-src": ["'self'"],
    "worker-src": ["'self'"],
    "media-src": ["'none'"],
    "frame-src": ["'none'"],
    "object-src": ["'none'"],
    "base-uri": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
  });

/** The policy of a page that is the same for everybody. @param {string} html */
export function ofPage(html) {
  const attributes = found(html, STYLE_ATTRIBUTE).map((text) =>
    text.replace(/&(?:quot|#x27|lt|gt|amp);/g, (entity) => ENTITIES[entity] ?? entity),
  );
  return scriptsAndStyles(
    found(html, INLINE_SCRIPT).filter(isOurs).map(hashed),
    [...new Set([...attributes, HIDDEN_ALT])].map(hashed),
  );
}

/** The policy of a page that is made for one visitor. @param {string} nonce */
export const ofAnswer = (nonce) => scriptsAndStyles([`'nonce-${nonce}'`, hashed(APPLY_THEME)], [hashed(HIDDEN_ALT)]);

/** @param {string[]} scripts @param {string[]} attributes */
function scriptsAndStyles(scripts, attributes) {
  const from = assets();
  return policy({
    "script-src": ["'self'", from, ...scripts],
    "style-src": ["'self'", from, ...builtStyles()],
    "style-src-attr": ["'unsafe-hashes'", ...attributes],
  });
}

/** @param {Record<string, string[]>} directives */
const policy = (directives) =>
  Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources.filter(Boolean).join(" ")}`)
    .join("; ");
