import { expect, test } from "vitest";
import { find, mount } from "../testing";
import DrawerController from "./drawer";

const swapped = (target: Element): void => {
  find("a").dispatchEvent(new CustomEvent("htmx:after:swap", { bubbles: true, detail: { ctx: { target } } }));
};

test("opens with the title of what was swapped in", async () => {
  await mount(
    '<main><a href="/row/17">Row 17</a><dialog data-controller="drawer">' +
      '<h2 data-drawer-target="title">Details</h2><div id="body"></div></dialog></main>', "drawer", DrawerController,
  );
  const drawer = find<HTMLDialogElement>("dialog");
  swapped(find("a"));
  expect(drawer.open).toBe(false);
  find("#body").innerHTML = '<p data-drawer-title="Row 17">…</p>';
  swapped(find("#body"));
  expect(drawer.open).toBe(true);
  expect(find("h2").textContent).toBe("Row 17");
});
