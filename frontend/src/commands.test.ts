import { expect, test } from "vitest";
import { supportCommands } from "./commands";
import { find } from "./testing";

test("buttons open and close dialogs where the browser does not do it itself", () => {
  document.body.innerHTML = '<button id="o" command="show-modal" commandfor="d"></button><dialog id="d"><button id="c" command="close" commandfor="d"></button></dialog>';
  supportCommands(document);
  find("#o").click();
  expect(find<HTMLDialogElement>("#d").open).toBe(true);
  find("#c").click();
  expect(find<HTMLDialogElement>("#d").open).toBe(false);
});
