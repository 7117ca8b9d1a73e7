import { beforeEach, expect, test, vi } from "vitest";
import { find, mount } from "../testing";
import TableController from "./table";

beforeEach(() => mount(
  `<div data-controller="table"><table class="table-collapse"><thead><tr><th>Name</th><th>Rows</th></tr></thead>
   <tbody><tr data-href="#one"><td><a href="#one">One</a></td><td id="cell">5</td><td><button>x</button></td></tr></tbody></table></div>`,
  "table", TableController,
));

test("cells carry the name of their column", () => {
  expect(find("#cell").dataset.label).toBe("Rows");
  expect(find("#cell").getAttribute("role")).toBe("cell");
});

test("names and roles that a morph took away come back", async () => {
  for (const name of ["data-label", "role"]) find("#cell").removeAttribute(name);
  await vi.waitFor(() => expect(find("#cell").dataset.label).toBe("Rows"));
  expect(find("#cell").getAttribute("role")).toBe("cell");
});

test("a click on a row opens its link, one on a button does not", () => {
  const opened = vi.fn((event: Event) => event.preventDefault());
  find("a").addEventListener("click", opened);
  find("button").click();
  expect(opened).not.toHaveBeenCalled();
  find("#cell").click();
  expect(opened).toHaveBeenCalledOnce();
});
