import { expect, test } from "vitest";
import { placeholder } from "@/shop/blurhash";

test("a hash becomes a bitmap of four by four pixels, as long as its header says", () => {
  const url = placeholder("LEHV6nWB2yk8pyo0adR*.7kCMdnj");
  const bytes = Buffer.from(url?.split(",")[1] ?? "", "base64");
  expect(bytes.subarray(0, 2).toString()).toBe("BM");
  expect(bytes.readUInt32LE(2)).toBe(bytes.length);
  expect([bytes.readInt32LE(18), bytes.readInt32LE(22)]).toEqual([4, -4]);
  expect(new Set(bytes.subarray(54)).size).toBeGreaterThan(1);
});

test.each(["", "x", "not a hash at all"])("%j is no hash, so there is no placeholder", (text) => {
  expect(placeholder(text)).toBeUndefined();
});
