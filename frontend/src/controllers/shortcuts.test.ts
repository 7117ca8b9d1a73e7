import { beforeEach, expect, test, vi } from "vitest";
import { find, mount, press } from "../testing";
import ShortcutsController from "./shortcuts";

beforeEach(() => mount(
  '<div data-controller="shortcuts"><button data-shortcut="s w"></button><button data-shortcut="?" id="help"></button><input data-shortcut-focus><dialog data-shortcut="/"></dialog></div>',
  "shortcuts", ShortcutsController,
));

function clicks(selector: string): () => number {
  const spy = vi.fn();
  find(selector).addEventListener("click", spy);
  return () => spy.mock.calls.length;
}

test("two keys in a row are one shortcut", () => {
  const count = clicks('[data-shortcut="s w"]');
  press(document.body, "w");
  expect(count()).toBe(0);
  press(document.body, "x");
  press(document.body, "s");
  press(document.body, "w");
  expect(count()).toBe(1);
});

test("a single key works, but not while typing", () => {
  const count = clicks("#help");
  press(find("input"), "?");
  expect(count()).toBe(0);
  press(document.body, "?");
  expect(count()).toBe(1);
});

test("Ctrl K opens the palette, even while typing", () => {
  press(find("input"), "k", { ctrlKey: true });
  expect(find<HTMLDialogElement>("dialog").open).toBe(true);
});

test("F goes to the search of the list", () => {
  press(document.body, "f");
  expect(document.activeElement).toBe(find("input"));
});
