import { expect, test, vi } from "vitest";
import { mount } from "../testing";
import FilingController from "./filing";

const PAGE = `
  <div data-controller="filing" data-filing-url-value="/acme/syncs/organize">
    <a data-filing-folder="12">Marketing</a>
    <p data-filing-row="1"><input type="checkbox" name="selected" value="1" checked></p>
    <p data-filing-row="2"><input type="checkbox" name="selected" value="2" checked></p>
    <p data-filing-row="3"><input type="checkbox" name="selected" value="3"></p>
  </div>`;

async function dropped(row: string): Promise<FormData> {
  const sent: FormData[] = [];
  vi.spyOn(HTMLFormElement.prototype, "submit").mockImplementation(function (this: HTMLFormElement) {
    sent.push(new FormData(this));
  });
  document.body.dataset.csrf = "token";
  await mount(PAGE, "filing", FilingController);
  const at = (selector: string, kind: string) =>
    document.querySelector(selector)!.dispatchEvent(new Event(kind, { bubbles: true, cancelable: true }));
  at(`[data-filing-row="${row}"]`, "dragstart");
  at("[data-filing-folder]", "dragover");
  at("[data-filing-folder]", "drop");
  return sent[0]!;
}

test("a ticked row takes all ticked ones to the folder", async () => {
  const form = await dropped("2");
  expect(form.getAll("selected")).toEqual(["1", "2"]);
  expect(form.get("folder")).toBe("12");
  expect(form.get("csrfmiddlewaretoken")).toBe("token");
});

test("a row that is not ticked goes alone", async () => {
  expect((await dropped("3")).getAll("selected")).toEqual(["3"]);
});
