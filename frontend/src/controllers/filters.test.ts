import { expect, test } from "vitest";
import { find, mount } from "../testing";
import FiltersController from "./filters";

test("hides the button that only browsers without scripts need", async () => {
  await mount('<form data-controller="filters"><div id="apply" data-filters-target="apply"></div></form>', "filters", FiltersController);
  expect(find("#apply").hidden).toBe(true);
});
