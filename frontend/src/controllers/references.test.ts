import { expect, test } from "vitest";
import { mount } from "../testing";
import ReferencesController from "./references";

const PAGE = `<form><textarea data-controller="references" data-references-list-value="list">CONCAT()</textarea>
  <select id="list"><option value=""></option><option value='{{"email"}}'>email</option><option value='{{"entered"}}'>entered</option></select></form>`;

const area = (): HTMLTextAreaElement => document.querySelector("textarea")!;

test("what is chosen goes in at the cursor, and the form hears of the text alone", async () => {
  await mount(PAGE, "references", ReferencesController);
  const heard: EventTarget[] = [];
  document.querySelector("form")!.addEventListener("change", (event) => heard.push(event.target!));
  area().setSelectionRange(7, 7);
  const list = document.querySelector("select")!;
  list.value = '{{"email"}}';
  list.dispatchEvent(new Event("change", { bubbles: true }));
  expect(area().value).toBe('CONCAT({{"email"}})');
  expect(list.value).toBe("");
  expect(heard).toEqual([area()]);
});

test("Tab completes what only one name begins with", async () => {
  await mount(PAGE, "references", ReferencesController);
  const type = (text: string): KeyboardEvent => {
    area().value = text;
    area().setSelectionRange(text.length, text.length);
    const pressed = new KeyboardEvent("keydown", { key: "Tab", cancelable: true });
    area().dispatchEvent(pressed);
    return pressed;
  };
  expect(type("LOWER({{em").defaultPrevented).toBe(true);
  expect(area().value).toBe('LOWER({{"email"}}');
  expect(type("LOWER(e").defaultPrevented).toBe(false);
  expect(area().value).toBe("LOWER(e");
});
