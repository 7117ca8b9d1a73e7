import { beforeEach, expect, test } from "vitest";
import { find, mount } from "../testing";
import BulkController from "./bulk";

const row = '<input type="checkbox" class="row" data-bulk-target="row" data-action="bulk#count">';

beforeEach(() => mount(
  `<form data-controller="bulk"><input type="checkbox" id="all" data-bulk-target="all" data-action="bulk#toggleAll">${row}${row}
   <span data-bulk-target="count"></span><button type="reset" data-action="bulk#clear"></button></form>`,
  "bulk", BulkController,
));

test("one ticked row leaves the head half ticked", () => {
  find(".row").click();
  expect(find("span").textContent).toBe("1 row selected");
  expect(find<HTMLInputElement>("#all").indeterminate).toBe(true);
});

test("the head ticks all, clear unticks all", () => {
  find("#all").click();
  expect(find("span").textContent).toBe("2 rows selected");
  find("button").click();
  expect(find("span").textContent).toBe("0 rows selected");
});
