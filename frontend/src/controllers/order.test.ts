import { expect, test } from "vitest";
import { mount } from "../testing";
import OrderController from "./order";

const line = (name: string, number: number, hidden = ""): string =>
  `<li id="${name}" data-order-target="item" ${hidden}><input name="${name}-ORDER" value="${number}" data-order-target="place" aria-label="Place of step ${number}">
   <button type="button" data-action="order#up" aria-label="Move step ${number} up"></button><button type="button" data-action="order#down" aria-label="Move step ${number} down"></button></li>`;

const PAGE = `<section data-controller="order"><ol data-order-target="list">
  ${line("a", 1)}${line("gone", 2, "hidden")}${line("b", 3)}${line("c", 4)}</ol><p data-order-target="said"></p></section>`;

const places = (): string[] =>
  [...document.querySelectorAll<HTMLElement>("li:not([hidden])")].map((item) => `${item.id}${item.querySelector("input")!.value}`);

const press = (item: string, button: "up" | "down"): void =>
  document.querySelector<HTMLButtonElement>(`#${item} [data-action='order#${button}']`)!.click();

test("lines are numbered by where they stand, removed ones left out", async () => {
  await mount(PAGE, "order", OrderController);
  expect(places()).toEqual(["a1", "b2", "c3"]);
  expect(document.querySelector("#c button")!.getAttribute("aria-label")).toBe("Move step 3 up");
});

test("buttons move a line past the next one that shows, say where it is, and keep the focus", async () => {
  await mount(PAGE, "order", OrderController);
  press("b", "up");
  expect(places()).toEqual(["b1", "a2", "c3"]);
  expect(document.querySelector("[data-order-target=said]")!.textContent).toBe("Now step 1 of 3.");
  expect(document.activeElement).toBe(document.querySelector("#b button"));
  press("b", "down");
  press("b", "down");
  expect(places()).toEqual(["a1", "c2", "b3"]);
});

test("the first line does not move up, nor the last one down", async () => {
  await mount(PAGE, "order", OrderController);
  press("a", "up");
  press("c", "down");
  expect(places()).toEqual(["a1", "b2", "c3"]);
});
