/**
 * How responses are compressed (RFC 9110, 8.4). What the build made is compressed as far as Brotli goes when it is built
 * (RFC 7932); all else as it leaves, only as far as a visitor doesn't wait for it.
 */
import { readdirSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import compression from "compression";
import Negotiator from "negotiator";

/** docs/decisions/codings.md: what more would cost, and save. */
const QUALITY = 5;
/** Of the files that compress; fonts have it in them. @type {Record<string, string>} */
const TYPES = { ".js": "application/javascript; charset=UTF-8", ".css": "text/css; charset=UTF-8" };
const BROTLI = ".br";
const FILES = "/_next/static/";

const compress = compression({ brotli: { params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY } } });

/** Compresses the files of a build, each into one beside it. @param {string} directory */
export async function writeCodings(directory) {
  const files = await readdir(directory, { recursive: true });
  await Promise.all(
    files
      .filter((file) => path.extname(file) in TYPES)
      .map(async (file) => {
        const coded = await promisify(brotliCompress)(await readFile(path.join(directory, file)));
        await writeFile(path.join(directory, file + BROTLI), coded);
      }),
  );
}

/** @type {Set<string> | undefined} */
let built;

/** Addresses of the build's files that are there in Brotli too. */
function coded() {
  built ??= new Set(
    readdirSync(path.join(/* turbopackIgnore: true */ process.cwd(), ".next", "static"), { recursive: true })
      .map((file) => FILES + String(file).split(path.sep).join("/"))
      .filter((file) => file.endsWith(BROTLI))
      .map((file) => file.slice(0, -BROTLI.length)),
  );
  return built;
}

/**
 * Prepares a request for a file that is there in Brotli, and any other's response, before Next sees them.
 * @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response
 */
export function prepareCoding(request, response) {
  const [file = ""] = (request.url ?? "").split("?", 1);
  const type = TYPES[path.extname(file)];
  if (type && coded().has(file) && new Negotiator(request).encoding(["br", "gzip", "identity"], ["br"]) === "br") {
    request.url = file + BROTLI;
    response.setHeader("Content-Type", type);
    response.setHeader("Content-Encoding", "br");
  }
  compress(request, response, () => undefined);
}
