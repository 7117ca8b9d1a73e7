import { beforeEach, expect, test } from "vitest";
import { find, mount, press } from "../testing";
import RailController from "./rail";

beforeEach(() => mount(
  `<div data-controller="rail"><a href="#r" id="open" data-rail-target="opener" data-action="rail#open:prevent"></a>
   <aside data-rail-target="rail"><a href="#x" id="first">x</a><button data-rail-target="collapse" data-action="rail#collapse"></button></aside></div>`,
  "rail", RailController,
));

test("opens as a drawer and closes with Escape, giving the focus back", () => {
  find("#open").click();
  expect("open" in find("aside").dataset).toBe(true);
  expect(document.activeElement?.id).toBe("first");
  press(document, "Escape");
  expect("open" in find("aside").dataset).toBe(false);
  expect(document.activeElement?.id).toBe("open");
});

test("remembers being narrow and says what the button does", () => {
  find("button").click();
  expect(find("[data-controller]").dataset.rail).toBe("narrow");
  expect(document.cookie).toContain("rail=narrow");
  expect(find("button").title).toBe("Widen the rail");
});
