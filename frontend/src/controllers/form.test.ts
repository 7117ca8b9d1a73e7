import { beforeEach, expect, test } from "vitest";
import { find, mount, settled } from "../testing";
import FormController from "./form";

beforeEach(() => mount(
  `<form data-controller="form"><select name="auth"><option>key</option><option>password</option></select>
   <div data-field="p"><input name="p" data-show-when="auth=password|both"></div><button type="submit"></button></form>`,
  "form", FormController,
));

test("a field shows only with the choice it belongs to", () => {
  expect(find("[data-field]").hidden).toBe(true);
  find<HTMLSelectElement>("select").value = "password";
  find("select").dispatchEvent(new Event("change", { bubbles: true }));
  expect(find("[data-field]").hidden).toBe(false);
});

test("the button is off while the form is on its way", async () => {
  find("form").dispatchEvent(new Event("submit", { cancelable: true }));
  await settled();
  expect(find("button").getAttribute("aria-disabled")).toBe("true");
});
