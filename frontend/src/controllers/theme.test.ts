import { expect, test } from "vitest";
import { find, mount } from "../testing";
import ThemeController from "./theme";

test("sets, marks and keeps the theme, and can follow the system again", async () => {
  await mount(
    `<div data-controller="theme"><button id="dark" data-theme-target="choice" data-action="theme#choose" data-theme-name-param="dark"></button>
     <button id="system" data-theme-target="choice" data-action="theme#choose" data-theme-name-param="system"></button></div>`,
    "theme", ThemeController,
  );
  expect(find("#system").getAttribute("aria-checked")).toBe("true");
  find("#dark").click();
  expect(document.documentElement.dataset.theme).toBe("dark");
  expect(document.cookie).toContain("theme=dark");
  expect(find("#dark").getAttribute("aria-checked")).toBe("true");
  find("#system").click();
  expect(document.documentElement.dataset.theme).toBeUndefined();
  expect(document.cookie).not.toContain("theme=dark");
});
