import next from "eslint-config-next/core-web-vitals";
import typescript from "eslint-config-next/typescript";
import accessibility from "eslint-plugin-jsx-a11y";

export default [
  { ignores: ["**/node_modules/**", "**/.next*/**", "public/**", "src/generated/**", "next-env.d.ts"] },
  ...next,
  ...typescript,
  {
    files: ["src/**/*.tsx"],
    // The plugin itself is registered by Next's configuration.
    rules: {
      ...accessibility.flatConfigs.recommended.rules,
      // Safari's VoiceOver calls a list without bullets a list only where it says so itself.
      "jsx-a11y/no-redundant-roles": ["error", { ul: ["list"], ol: ["list"] }],
    },
  },
  {
    settings: { next: { rootDir: "." } },
    rules: {
      "react/forbid-dom-props": ["error", { forbid: ["style"] }],
      // A whole new page on purpose: what the page holds in memory belongs to who has just signed out.
      "@next/next/no-location-assign-relative-destination": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    },
  },
  { files: ["checks/**"], rules: { "import/no-anonymous-default-export": "off" } },
];
