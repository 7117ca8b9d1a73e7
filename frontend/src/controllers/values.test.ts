import { beforeEach, expect, test } from "vitest";
import { find, mount, settled } from "../testing";
import ValuesController from "./values";

let changes = 0;

beforeEach(async () => {
  await mount(
    '<span data-controller="values" data-action="change->values#keep drop->values#drop paste->values#paste"><input name="list:/x" data-values-target="new"></span>',
    "values", ValuesController,
  );
  changes = 0;
  find("span").addEventListener("change", () => (changes += 1));
});

const sent = (): string[] => [...document.querySelectorAll<HTMLInputElement>("input[type=hidden]")].map((input) => input.value);
const drop = (text: string): void => {
  const files = [{ text: () => Promise.resolve(text) }];
  find("span").dispatchEvent(Object.assign(new Event("drop", { cancelable: true }), { dataTransfer: { files } }));
};
const paste = (text: string): Event => {
  const event = Object.assign(new Event("paste", { bubbles: true, cancelable: true }), { clipboardData: { getData: () => text } });
  find("input").dispatchEvent(event);
  return event;
};

test("a dropped file becomes values, and the form is told once", async () => {
  drop('flight, hotel\r\n"Paris, France"\n\n');
  await settled();
  expect(sent()).toEqual(["flight", "hotel", "Paris, France"]);
  expect(changes).toBe(1);
});

test("several pasted lines become values, a sentence stays one", () => {
  expect(paste("one, two").defaultPrevented).toBe(false);
  expect(paste("A1\nB2\n").defaultPrevented).toBe(true);
  expect(sent()).toEqual(["A1", "B2"]);
});

test("a typed value is kept, and the field is free for the next", () => {
  const field = find<HTMLInputElement>("input");
  field.value = "north";
  field.dispatchEvent(new Event("change", { bubbles: true }));
  expect([sent(), field.value, changes]).toEqual([["north"], "", 1]);
});

test("more than a condition holds is refused at the field", async () => {
  drop(Array.from({ length: 501 }, (_, place) => place).join("\n"));
  await settled();
  expect([sent().length, changes]).toEqual([0, 0]);
  expect(find<HTMLInputElement>("input").validationMessage).toContain("More than 500 values");
});
