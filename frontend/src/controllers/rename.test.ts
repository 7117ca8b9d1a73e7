import { expect, test } from "vitest";
import { find, mount } from "../testing";
import RenameController from "./rename";

test("shows the form, and gives the old name back on cancel", async () => {
  await mount(
    `<div data-controller="rename"><h1 data-rename-target="shown">Old</h1><button id="edit" data-rename-target="button" data-action="rename#edit"></button>
     <form data-rename-target="form" hidden><input value="Old" data-rename-target="input"><button type="button" id="cancel" data-action="rename#cancel"></button></form></div>`,
    "rename", RenameController,
  );
  find("#edit").click();
  expect(find("form").hidden).toBe(false);
  expect(find("h1").hidden).toBe(true);
  find<HTMLInputElement>("input").value = "New";
  find("#cancel").click();
  expect(find("form").hidden).toBe(true);
  expect(find<HTMLInputElement>("input").value).toBe("Old");
});
