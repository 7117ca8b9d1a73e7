import { beforeEach, expect, test } from "vitest";
import { find, mount } from "../testing";
import RowsController from "./rows";

const line = (value: string, at: number): string =>
  `<div data-rows-target="line"><input name="k" value="${value}" aria-label="Name ${at}"><button data-action="rows#remove" aria-label="Remove line ${at}"></button></div>`;

beforeEach(() => mount(
  `<div data-controller="rows">${line("a", 1)}${line("", 2)}${line("", 3)}<button id="add" data-rows-target="add" data-action="rows#add" hidden></button></div>`,
  "rows", RowsController,
));

const values = (): string[] => [...document.querySelectorAll<HTMLInputElement>("input")].map((input) => input.value);

test("one empty line is enough once lines can be added", () => {
  expect(values()).toEqual(["a", ""]);
  expect(find("#add").hidden).toBe(false);
});

test("a new line is empty, focused and named by its place", () => {
  find("#add").click();
  expect(values()).toEqual(["a", "", ""]);
  expect(document.activeElement?.getAttribute("aria-label")).toBe("Name 3");
});

test("removing the last line only empties it", () => {
  find("[data-rows-target=line] button").click();
  find("[data-rows-target=line] button").click();
  expect(values()).toEqual([""]);
});
