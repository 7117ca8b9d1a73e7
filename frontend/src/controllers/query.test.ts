import { expect, test, vi } from "vitest";
import { mount } from "../testing";
import QueryController from "./query";

const PAGE = `
  <div data-controller="query" data-action="code-editor:run->query#run">
    <form><textarea data-query-target="text"></textarea><button type="button" data-query-target="preview">Preview</button></form>
    <div id="answer"></div>
    <a href="#sample" data-action="query#use:prevent" data-query-sql-param="SELECT 2">A sample</a>
  </div>`;

const text = (): HTMLTextAreaElement => document.querySelector("textarea")!;

test("running from the editor presses the preview button", async () => {
  await mount(PAGE, "query", QueryController);
  const pressed = vi.fn();
  document.querySelector("button")!.addEventListener("click", pressed);
  text().dispatchEvent(new CustomEvent("code-editor:run", { bubbles: true }));
  expect(pressed).toHaveBeenCalledOnce();
});

test("a sample replaces the text of the editor", async () => {
  await mount(PAGE, "query", QueryController);
  const replaced = vi.fn();
  text().addEventListener("code-editor:replace", (event) => replaced((event as CustomEvent).detail));
  document.querySelector<HTMLAnchorElement>("a")!.click();
  expect(replaced).toHaveBeenCalledWith({ text: "SELECT 2" });
});

test("what is refused is marked at its place, and an answer without a place takes the mark away", async () => {
  await mount(PAGE, "query", QueryController);
  const marked = vi.fn();
  text().addEventListener("code-editor:mark", (event) => marked((event as CustomEvent).detail));
  const answer = document.querySelector("#answer")!;
  answer.innerHTML = `<p data-query-target="verdict" data-query-at="7"> No such column </p>`;
  await vi.waitFor(() => expect(marked).toHaveBeenLastCalledWith({ at: 7, words: "No such column" }));
  answer.innerHTML = `<p data-query-target="verdict"></p>`;
  await vi.waitFor(() => expect(marked).toHaveBeenLastCalledWith({ at: -1, words: "" }));
});
