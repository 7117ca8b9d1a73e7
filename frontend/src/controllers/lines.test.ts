import { expect, test } from "vitest";
import { mount } from "../testing";
import LinesController from "./lines";

const PAGE = `
  <div data-controller="lines">
    <input id="total" value="1" data-lines-target="total">
    <div>
      <div data-lines-target="line"><input name="map-0-to" value="email"><input type="checkbox" name="map-0-key" checked><button type="button" data-action="lines#remove">Remove</button></div>
    </div>
    <template data-lines-target="blank"><div data-lines-target="line"><input name="map-__prefix__-to" aria-label="Field, line __line__"></div></template>
    <button id="add" data-action="lines#add:prevent">Add</button>
  </div>`;

test("an added line has the next number in its names and counts", async () => {
  await mount(PAGE, "lines", LinesController);
  document.querySelector<HTMLButtonElement>("#add")!.click();
  const added = document.querySelector<HTMLInputElement>("[name=map-1-to]")!;
  expect(added.getAttribute("aria-label")).toBe("Field, line 2");
  expect(document.querySelector<HTMLInputElement>("#total")!.value).toBe("2");
});

test("a removed line is out of sight and empty, but still counted", async () => {
  await mount(PAGE, "lines", LinesController);
  document.querySelector<HTMLButtonElement>("[data-action='lines#remove']")!.click();
  const input = document.querySelector<HTMLInputElement>("[name=map-0-to]")!;
  expect(input.value).toBe("");
  expect(document.querySelector<HTMLInputElement>("[name=map-0-key]")!.checked).toBe(false);
  expect(input.closest<HTMLElement>("[data-lines-target=line]")!.hidden).toBe(true);
  expect(document.querySelector<HTMLInputElement>("#total")!.value).toBe("1");
});
