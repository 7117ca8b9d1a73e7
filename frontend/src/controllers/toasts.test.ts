import { beforeEach, expect, test } from "vitest";
import { find, mount, settled } from "../testing";
import ToastsController from "./toasts";

beforeEach(() => mount(
  `<div data-controller="toasts" data-action="toast@document->toasts#arrive"><div data-toasts-target="list"></div>
   <template data-toasts-target="template"><div class="toast" data-toasts-target="toast"><span data-icon="good"><b></b></span><span data-icon="bad"><i></i></span><p></p><button data-action="toasts#dismiss"></button></div></template></div>`,
  "toasts", ToastsController,
));

const send = async (text: string, tone: string): Promise<void> => {
  document.dispatchEvent(new CustomEvent("toast", { detail: { text, tone } }));
  await settled();
};

test("shows the text as text, with the icon of its tone", async () => {
  await send("<b>Sync</b> ran.", "good");
  expect(find(".toast p").textContent).toBe("<b>Sync</b> ran.");
  expect(find(".toast > b")).not.toBeNull();
  expect(document.querySelector(".toast > i")).toBeNull();
});

test("keeps the newest four", async () => {
  for (const text of ["1", "2", "3", "4", "5"]) await send(text, "bad");
  expect([...document.querySelectorAll(".toast p")].map((words) => words.textContent)).toEqual(["2", "3", "4", "5"]);
});

test("goes when dismissed", async () => {
  await send("Gone", "bad");
  find(".toast button").click();
  expect(document.querySelector(".toast")).toBeNull();
});
