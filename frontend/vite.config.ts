import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Writes `icons.json` (name → inner SVG of the icons that `icons.json` lists) for the `{% icon %}` template tag. */
function icons(): Plugin {
  return {
    name: "headrace-icons",
    generateBundle() {
      const names: string[] = JSON.parse(readFileSync(here("icons.json"), "utf8"));
      const drawn = names.map((name) => {
        const svg = readFileSync(here(`node_modules/lucide-static/icons/${name}.svg`), "utf8");
        const inner = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
        return [name, inner.replace(/\s+/g, " ").replace(/> </g, "><").trim()];
      });
      this.emitFile({ type: "asset", fileName: "icons.json", source: JSON.stringify(Object.fromEntries(drawn)) });
    },
  };
}

/** Leaves a gzip file beside every script and style, which the web process serves to browsers that take it. */
function compressed(): Plugin {
  return {
    name: "headrace-compressed",
    closeBundle() {
      const folder = here("dist/assets/");
      for (const name of readdirSync(folder).filter((file) => /\.(js|css)$/.test(file))) {
        writeFileSync(`${folder}${name}.gz`, gzipSync(readFileSync(folder + name), { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  root: here("."),
  base: "./",
  publicDir: "public",
  plugins: [tailwindcss(), icons(), compressed()],
  build: {
    manifest: true,
    // The content security policy takes fonts and pictures from our own address only, never from data: URLs.
    assetsInlineLimit: 0,
    target: "es2022",
    cssTarget: ["chrome125", "firefox128", "safari18"],
    outDir: "dist",
    chunkSizeWarningLimit: 700,
    rolldownOptions: { input: { main: here("src/main.ts") } },
  },
  test: { environment: "happy-dom", pool: "threads", isolate: false, include: ["src/**/*.test.ts"] },
});
