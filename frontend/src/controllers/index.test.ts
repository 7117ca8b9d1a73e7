import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { controllers } from ".";

const files = readdirSync(new URL(".", `file://${import.meta.dirname}/`)).filter((name) => name.endsWith(".ts") && name !== "index.ts");
const sources = files.filter((name) => !name.endsWith(".test.ts")).map((name) => name.slice(0, -3));

test("every controller is registered under the name of its file", () => {
  expect(Object.keys(controllers).sort()).toEqual(sources.sort());
});

test("every controller has a test beside it", () => {
  expect(sources.filter((name) => !files.includes(`${name}.test.ts`))).toEqual([]);
});
