import { beforeEach, expect, test, vi } from "vitest";
import { find, mount, settled } from "../testing";
import JsonTreeController from "./json-tree";

beforeEach(() => mount(
  `<div data-controller="json-tree"><input data-json-tree-target="query" data-action="input->json-tree#search"><span data-json-tree-target="found"></span>
   <button id="fold" data-action="json-tree#fold"></button><button id="raw" data-json-tree-target="rawButton" data-action="json-tree#raw"></button><button id="copy" data-json-tree-target="copyButton" data-action="json-tree#copy"></button>
   <div data-json-tree-target="tree"><details><summary>{…}</summary><div class="leaf"><span class="json-key">email</span><span class="json-string">"a@b.c"</span></div></details></div>
   <pre data-json-tree-target="raw" hidden>{"email": "a@b.c"}</pre></div>`,
  "json-tree", JsonTreeController,
));

test("a search opens what holds a match and counts it", () => {
  const query = find<HTMLInputElement>("input");
  query.value = "EMAIL";
  query.dispatchEvent(new Event("input", { bubbles: true }));
  expect(find<HTMLDetailsElement>("details").open).toBe(true);
  expect(find("span[data-json-tree-target]").textContent).toBe("1 match");
  find("#fold").click();
  expect(find<HTMLDetailsElement>("details").open).toBe(false);
});

test("raw takes the place of the tree", () => {
  find("#raw").click();
  expect(find("pre").hidden).toBe(false);
  expect(find("#raw").getAttribute("aria-pressed")).toBe("true");
});

test("copies the raw text", async () => {
  const written = vi.fn(() => Promise.resolve());
  Object.defineProperty(navigator, "clipboard", { value: { writeText: written }, configurable: true });
  find("#copy").click();
  await settled();
  expect(written).toHaveBeenCalledWith('{"email": "a@b.c"}');
});
