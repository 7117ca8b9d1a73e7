import { beforeEach, expect, test, vi } from "vitest";
import { find, mount, press, settled } from "../testing";
import PaletteController from "./palette";

const answer = { groups: [{ label: "Syncs", items: [{ label: "Orders <b>", detail: "Acme app", url: "/acme/syncs/1" }] }] };

beforeEach(async () => {
  vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response(JSON.stringify(answer)))));
  await mount(
    `<dialog data-controller="palette" data-palette-url-value="/acme/palette"><input data-palette-target="input" data-action="input->palette#search keydown->palette#move">
     <div data-palette-target="list" data-action="click->palette#click"></div><p data-palette-target="none"></p><template data-palette-target="pages"><a href="/acme/syncs">Syncs</a><a href="/acme/models">Models</a></template></dialog>`,
    "palette", PaletteController,
  );
});

const labels = (): string[] => [...document.querySelectorAll("[role=option] > span:first-child")].map((option) => option.textContent ?? "");

async function type(words: string): Promise<void> {
  const input = find<HTMLInputElement>("input");
  input.value = words;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await vi.waitFor(() => expect(fetch).toHaveBeenCalled());
}

test("shows the pages of the rail at once when it opens", async () => {
  find<HTMLDialogElement>("dialog").showModal();
  await settled();
  expect(labels()).toEqual(["Syncs", "Models"]);
});

test("adds what the server finds, as text", async () => {
  await type("or");
  expect(String(vi.mocked(fetch).mock.calls[0]?.[0])).toContain("q=or");
  await vi.waitFor(() => expect(labels()).toEqual(["Orders <b>"]));
});

test("arrow keys move the choice that Enter opens", async () => {
  find<HTMLDialogElement>("dialog").showModal();
  await settled();
  press(find("input"), "ArrowDown");
  expect(find("[aria-selected=true]").dataset.url).toBe("/acme/models");
  expect(find("input").getAttribute("aria-activedescendant")).toBe(find("[aria-selected=true]").id);
});

test("says when nothing matches", async () => {
  vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response('{"groups": []}'))));
  await type("zzz");
  expect(find("p").hidden).toBe(false);
});
