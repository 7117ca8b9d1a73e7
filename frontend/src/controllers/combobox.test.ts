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

const FIELDS = Array.from({ length: 2000 }, (_, n) => `<option value="f${n}" data-type="number">Field ${n} · number</option>`).join("");
const LINES = Array.from({ length: 40 }, (_, n) => `<input name="to${n}" list="fields" value="f${n}" data-controller="combobox" data-combobox-free>`).join("");

test("inputs share one long list, read it once, and show types in it", async () => {
  await mount(`${LINES}<datalist id="fields">${FIELDS}</datalist>`, "combobox", ComboboxController);
  expect([...document.querySelectorAll<HTMLInputElement>("[role=combobox]")].map((input) => input.value).slice(0, 2)).toEqual(["Field 0 · number", "Field 1 · number"]);
  type("field 1999");
  expect(document.querySelectorAll("[role=option]").length).toBe(2);
  expect(find(".type-tag").dataset.type).toBe("number");
  find("datalist").replaceChildren();
  type("field 19");
  expect(document.querySelectorAll("[role=option]").length).toBe(101);
});

test("a free input takes what is not in its list, by Enter or by leaving, and knows a name by its words", async () => {
  await mount(`<input name="to" list="fields" data-controller="combobox" data-combobox-free><datalist id="fields">${FIELDS}</datalist>`, "combobox", ComboboxController);
  const stored = find<HTMLInputElement>("[name=to]");
  type("my own");
  expect(find("[role=option]").textContent).toBe("Use “my own”");
  press(find("[role=combobox]"), "Enter");
  expect([stored.value, find<HTMLInputElement>("[role=combobox]").value]).toEqual(["my own", "my own"]);
  type("field 7 · number");
  find("[role=combobox]").dispatchEvent(new Event("blur"));
  expect(stored.value).toBe("f7");
  type("else");
  press(find("[role=combobox]"), "Escape");
  expect(stored.value).toBe("f7");
});

test("an input that is not free goes back to what it was, and says what is no longer there", async () => {
  await mount(`<input name="to" list="fields" value="gone" data-controller="combobox"><datalist id="fields">${FIELDS}</datalist>`, "combobox", ComboboxController);
  expect(find<HTMLInputElement>("[role=combobox]").value).toBe("gone (not found)");
  type("else");
  find("[role=combobox]").dispatchEvent(new Event("blur"));
  expect(find<HTMLInputElement>("[name=to]").value).toBe("gone");
});
