import { expect, test } from "vitest";
import { find, mount } from "../testing";
import DrawerController from "./drawer";

test("opens with the title of what was swapped in", async () => {
  const drawer = (await mount(
    '<dialog data-controller="drawer"><h2 data-drawer-target="title">Details</h2><div id="body"></div></dialog>', "drawer", DrawerController,
  )) as HTMLDialogElement;
  find("#body").innerHTML = '<p data-drawer-title="Row 17">…</p>';
  find("#body").dispatchEvent(new Event("htmx:after:swap", { bubbles: true }));
  expect(drawer.open).toBe(true);
  expect(find("h2").textContent).toBe("Row 17");
});
