import path from "node:path";
import { defineConfig } from "vitest/config";

const root = path.join(import.meta.dirname, "..");

export default defineConfig({
  root,
  resolve: { alias: { "@": path.join(root, "src") } },
  test: { include: ["checks/tests/**/*.test.ts"], setupFiles: ["checks/tests/browser.ts"] },
});
