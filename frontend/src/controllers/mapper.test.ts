import { afterEach, expect, test, vi } from "vitest";
import { find, mount, settled } from "../testing";
import MapperController, { mismatch } from "./mapper";

const LINE = `
  <div data-mapper-target="line" data-kind="column" data-prefix="map-0">
    <input name="map-0-kind" value="column">
    <span class="mapping-column"><span data-mapper-target="tag"></span>
      <select name="map-0-column"><option value=""></option><option value="age" data-type="string">age</option></select></span>
    <input name="map-0-template"><input name="map-0-inline"><input type="checkbox" name="map-0-identifier" checked><input type="checkbox" name="map-0-ignore_null">
    <button type="button" class="mapping-value" data-action="mapper#open"><span data-mapper-kind></span><code data-mapper-words></code></button>
    <span data-mapper-target="tag"></span>
    <select name="map-0-to"><option value=""></option><option value="years" data-type="number">years</option><option value="profile" data-type="object" data-nests="object">profile</option><option value="tags" data-type="object">tags</option></select>
    <p data-mapper-target="hint" hidden></p>
  </div>`;
const PAGE = `<div data-controller="mapper" data-mapper-url-value="/value">${LINE}
  <dialog data-mapper-target="dialog"><div data-mapper-target="body"></div></dialog><datalist data-mapper-target="properties"></datalist></div>`;
const FORM = `<form class="value-form" data-depth="1" data-action="mapper#apply:prevent"><textarea name="value-template">{{ 1 }}</textarea><div class="value-result"></div><button>Apply</button></form>`;

const sent: FormData[] = [];

function answering(...answers: Response[]): void {
  sent.length = 0;
  vi.stubGlobal("fetch", async (_: string, options: { body: FormData }) => {
    sent.push(options.body);
    return answers.shift() ?? new Response("");
  });
}

afterEach(() => vi.unstubAllGlobals());

const choose = (name: string, value: string): void => {
  const select = find<HTMLSelectElement>(`[name=${name}]`);
  select.value = value;
  select.dispatchEvent(new Event("change", { bubbles: true }));
};

test("types show beside both ends and a mismatch is told", async () => {
  await mount(PAGE, "mapper", MapperController);
  choose("map-0-column", "age");
  choose("map-0-to", "years");
  const types = [...document.querySelectorAll<HTMLElement>("[data-mapper-target=tag]")].map((tag) => tag.dataset.type);
  expect(types).toEqual(["string", "number"]);
  expect(find("[data-mapper-target=hint]").hidden).toBe(false);
  expect(find("[data-mapper-target=hint]").textContent).toContain("Text goes into a number field");
});

test("a field that holds objects makes an empty line one, and leaves a chosen column alone", async () => {
  await mount(PAGE, "mapper", MapperController);
  choose("map-0-to", "profile");
  expect(find<HTMLInputElement>("[name=map-0-kind]").value).toBe("object");
  await mount(PAGE, "mapper", MapperController);
  choose("map-0-column", "age");
  choose("map-0-to", "profile");
  expect(find<HTMLInputElement>("[name=map-0-kind]").value).toBe("column");
});

test("a field of arrays makes an empty line one, a field of plain values does not; free fields know their types too", async () => {
  await mount(PAGE, "mapper", MapperController);
  choose("map-0-to", "tags");
  expect(find<HTMLInputElement>("[name=map-0-kind]").value).toBe("column");
  const listed = '<input name="map-0-to" list="fields"><datalist id="fields"><option value="items" data-type="object" data-nests="array">Items</option></datalist>';
  await mount(PAGE.replace(/<select name="map-0-to">.*?<\/select>/, listed), "mapper", MapperController);
  choose("map-0-to", "items");
  expect(find<HTMLInputElement>("[name=map-0-kind]").value).toBe("array");
  expect(find("[data-mapper-words]").textContent).toBe("Choose the column with the array");
  expect([...document.querySelectorAll<HTMLElement>("[data-mapper-target=tag]")].map((tag) => tag.dataset.type)).toEqual(["", "object"]);
});

test("the dialog opens with the line's values and its answer goes back into the line", async () => {
  const applied = { inputs: { kind: "template", template: "{{ 1 }}" }, summary: "{{ 1 }}" };
  answering(new Response(FORM), new Response("1"), new Response(JSON.stringify(applied)));
  await mount(PAGE, "mapper", MapperController);
  choose("map-0-column", "age");
  find(".mapping-value").click();
  await settled();
  await settled();
  expect(find<HTMLDialogElement>("dialog").open).toBe(true);
  expect([sent[0]!.get("action"), sent[0]!.get("value-column"), sent[0]!.get("depth")]).toEqual(["open", "age", "1"]);
  expect([sent[0]!.get("value-identifier"), sent[0]!.get("value-ignore_null")]).toEqual(["on", null]);
  find<HTMLFormElement>("form").dispatchEvent(new Event("submit", { cancelable: true, bubbles: true }));
  await settled();
  await settled();
  expect(find<HTMLInputElement>("[name=map-0-template]").value).toBe("{{ 1 }}");
  expect(find("[data-mapper-target=line]").dataset.kind).toBe("template");
  expect(find<HTMLDialogElement>("dialog").open).toBe(false);
});

test("what is refused is shown in the dialog", async () => {
  answering(new Response(FORM), new Response("1"), new Response("<form><p>No</p></form>", { status: 422 }));
  await mount(PAGE, "mapper", MapperController);
  find(".mapping-value").click();
  await settled();
  await settled();
  find<HTMLFormElement>("form").dispatchEvent(new Event("submit", { cancelable: true, bubbles: true }));
  await settled();
  await settled();
  expect(find("dialog").textContent).toContain("No");
  expect(find<HTMLDialogElement>("dialog").open).toBe(true);
});

const sampleOf = (found: object): Response => new Response(JSON.stringify(found));

test("the properties of an array are offered as soon as its column is chosen, and read once", async () => {
  const form = `<form class="value-form" data-depth="1"><input type="radio" name="value-kind" value="array" checked>
    <select name="array_column"><option value=""></option><option value="items"></option></select></form>`;
  answering(new Response(form), sampleOf({ properties: { items: ["sku", "price"], other: ["x"] } }));
  await mount(PAGE.replace("data-mapper-url-value", "data-mapper-rows-value='true' data-mapper-url-value"), "mapper", MapperController);
  find(".mapping-value").click();
  await settled();
  choose("array_column", "items");
  await settled();
  await settled();
  const offered = [...find("[data-mapper-target=properties]").children].map((option) => (option as HTMLOptionElement).value);
  expect(offered).toEqual(["sku", "price"]);
  choose("array_column", "");
  choose("array_column", "items");
  await settled();
  expect(sent.map((data) => data.get("action"))).toEqual(["open", "sample"]);
});

test("text that holds arrays can match records by each element", async () => {
  answering(sampleOf({ elements: { age: "_ht_age_element" } }));
  await mount(PAGE.replace("data-mapper-url-value", "data-mapper-rows-value='true' data-mapper-url-value"), "mapper", MapperController);
  choose("map-0-column", "age");
  await settled();
  await settled();
  expect([...find<HTMLSelectElement>("[name=map-0-column]").options].map((option) => option.value)).toContain("_ht_age_element");
  expect(find("[data-mapper-target=hint]").textContent).toContain("each element");
});

test("nobody's rows are read where they may not be seen", async () => {
  answering(sampleOf({ elements: { age: "_ht_age_element" } }));
  await mount(PAGE, "mapper", MapperController);
  choose("map-0-column", "age");
  await settled();
  expect(sent).toEqual([]);
});

test.each([
  ["number", "string", ""],
  ["object", "string", "JSON text"],
  ["string", "date", "no date"],
  ["date", "timestamp", ""],
  ["boolean", "number", "may be refused"],
  ["unknown", "number", ""],
])("%s into %s", (from, to, words) => {
  const told = mismatch(from, to);
  if (words) expect(told).toContain(words);
  else expect(told).toBe("");
});
