import { beforeEach, expect, test, vi } from "vitest";
import { find, mount, press } from "../testing";
import MenuController from "./menu";

const html = `<button popovertarget="m"></button><div id="m" data-controller="menu" role="menu">
  <a href="#1" role="menuitem" tabindex="0" id="one">1</a><a href="#2" role="menuitem" tabindex="0" id="two">2</a></div>`;

function toggle(state: "open" | "closed"): void {
  find("#m").dispatchEvent(Object.assign(new Event("toggle"), { newState: state }));
}

beforeEach(async () => {
  vi.stubGlobal("CSS", { supports: () => true, escape: (text: string) => text });
  await mount(html, "menu", MenuController);
});

test("opening takes the focus to the first entry and says so on the button", () => {
  toggle("open");
  expect(document.activeElement?.id).toBe("one");
  expect(find("button").getAttribute("aria-expanded")).toBe("true");
});

test("arrow keys go round", () => {
  toggle("open");
  press(find("#one"), "ArrowDown");
  expect(document.activeElement?.id).toBe("two");
  press(find("#two"), "ArrowDown");
  expect(document.activeElement?.id).toBe("one");
});

test("a choice closes it", () => {
  const hide = vi.fn();
  find("#m").hidePopover = hide;
  find("#two").click();
  expect(hide).toHaveBeenCalledOnce();
});

test("a search field takes the focus, Enter the first entry, arrows go into the list", async () => {
  await mount(html.replace('<a href="#1"', '<input data-menu-search id="s"><a href="#1"'), "menu", MenuController);
  const hide = vi.fn();
  find("#m").hidePopover = hide;
  toggle("open");
  expect(document.activeElement?.id).toBe("s");
  press(find("#s"), "ArrowDown");
  expect(document.activeElement?.id).toBe("one");
  find("#s").focus();
  press(find("#s"), "Enter");
  expect(hide).toHaveBeenCalledOnce();
});
