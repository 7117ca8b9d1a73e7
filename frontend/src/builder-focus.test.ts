import { beforeEach, expect, test } from "vitest";
import { followEdits, placeOf } from "./builder-focus";

const condition = (at: number) => `<li data-condition="/where/conditions/${at}">
  <select id="what-${at}"></select><button name="do" value="up|/where/conditions/${at}" id="up-${at}"></button>
  <button name="do" value='set|/where/conditions/${at}/number|{"count": 2}' id="often-${at}"></button></li>`;
const builder = (...at: number[]) => `<form class="builder"><ol data-group="/where">${at.map(condition).join("")}</ol>
  <div class="condition-add"><button name="do" value="add|/where|property" id="add"></button></div></form>`;
const form = () => document.querySelector("form")!;
const after = (edit: string) => placeOf(form(), edit)?.id;

beforeEach(() => {
  document.body.innerHTML = builder(0, 1);
});

test("the next key goes to what an edit was about", () => {
  expect(after("add|/where|property")).toBe("what-1");
  expect(after("up|/where/conditions/1")).toBe("up-0");
  expect(after("up|/where/conditions/0")).toBe("up-0");
  expect(after("duplicate|/where/conditions/0")).toBe("what-1");
  expect(after("remove|/where/conditions/1")).toBe("what-1");
  expect(after("remove|/where/conditions/2")).toBe("what-1");
  expect(after("drop|/where/conditions/1/number")).toBe("often-1");
  expect(after("wrap|/where/conditions/0")).toBe("what-0");
  expect(after("save")).toBeUndefined();
  document.body.innerHTML = builder();
  expect(after("remove|/where/conditions/0")).toBe("add");
});

test("a builder that was answered takes the focus there once", () => {
  followEdits(document);
  const answered = (): boolean => form().dispatchEvent(new CustomEvent("htmx:after:swap", { bubbles: true, detail: { ctx: { target: form() } } }));
  form().addEventListener("submit", (event) => event.preventDefault());
  document.querySelector<HTMLButtonElement>("#add")!.click();
  answered();
  expect(document.activeElement?.id).toBe("what-1");
  (document.activeElement as HTMLElement).blur();
  answered();
  expect(document.activeElement).toBe(document.body);
});
