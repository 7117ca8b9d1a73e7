import { beforeEach, expect, test } from "vitest";
import { find, mount, press } from "../testing";
import ComboboxController from "./combobox";

beforeEach(() => mount(
  '<label for="c">Country</label><select id="c" data-controller="combobox"><option value="de">Germany</option><option value="fr">France</option><option value="nz">New Zealand</option></select>',
  "combobox", ComboboxController,
));

const type = (words: string): void => {
  find<HTMLInputElement>("[role=combobox]").value = words;
  find("[role=combobox]").dispatchEvent(new Event("input"));
};

test("stands in for the select under the same name", () => {
  expect(find<HTMLInputElement>("[role=combobox]").value).toBe("Germany");
  expect(find("[role=combobox]").getAttribute("aria-label")).toBe("Country");
  expect(find("select").hidden).toBe(true);
});

test("typing narrows, Enter takes, and the select tells the form", () => {
  let changes = 0;
  find("select").addEventListener("change", () => (changes += 1));
  type("new");
  press(find("[role=combobox]"), "Enter");
  expect(find<HTMLSelectElement>("select").value).toBe("nz");
  expect(find<HTMLInputElement>("[role=combobox]").value).toBe("New Zealand");
  expect(changes).toBe(1);
});

test("Escape gives the chosen one back", () => {
  type("zzz");
  expect(find(".combo-none").textContent).toBe("Nothing matches.");
  press(find("[role=combobox]"), "Escape");
  expect(find<HTMLInputElement>("[role=combobox]").value).toBe("Germany");
});
