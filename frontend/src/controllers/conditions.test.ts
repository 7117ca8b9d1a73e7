import { beforeEach, expect, test, vi } from "vitest";
import { find, mount } from "../testing";
import ConditionsController from "./conditions";

type End = { item: Element; from: Element; to: Element; oldDraggableIndex: number; newDraggableIndex: number };
const lists = new Map<Element, { group: string; onEnd: (end: End) => void }>();
vi.mock("sortablejs", () => ({
  default: { create: (list: Element, options: never) => (lists.set(list, options), { destroy: () => lists.delete(list) }) },
}));

const item = (at: string): string => `<li data-condition="${at}"><span data-condition-handle></span></li>`;
let asked: string[] = [];

beforeEach(async () => {
  await mount(
    `<form><div data-controller="conditions"><ol id="outer" data-conditions-target="list" data-group="/where" data-scope="/where">
      ${item("/where/conditions/0")}${item("/where/conditions/1")}
      <li data-condition="/where/conditions/2"><ol id="inner" data-conditions-target="list" data-group="/where/conditions/2" data-scope="/where"></ol></li>
    </ol></div></form>`,
    "conditions", ConditionsController,
  );
  await vi.waitFor(() => expect(lists.size).toBe(2));
  asked = [];
  find("form").addEventListener("submit", (event) => {
    event.preventDefault();
    asked.push(((event as SubmitEvent).submitter as HTMLButtonElement).value);
  });
});

const drop = (from: string, to: string, oldDraggableIndex: number, newDraggableIndex: number): void =>
  lists.get(find(from))!.onEnd({
    item: find(`[data-condition="/where/conditions/${oldDraggableIndex}"]`), from: find(from), to: find(to), oldDraggableIndex, newDraggableIndex,
  });

test("a condition goes behind others, before them, or into a group about the same rows", () => {
  drop("#outer", "#outer", 0, 1);
  drop("#outer", "#outer", 1, 0);
  drop("#outer", "#inner", 1, 0);
  drop("#outer", "#outer", 1, 1);
  expect(asked).toEqual([
    "move|/where/conditions/0|/where/conditions/2",
    "move|/where/conditions/1|/where/conditions/0",
    "move|/where/conditions/1|/where/conditions/2/conditions/0",
  ]);
  expect(lists.get(find("#inner"))!.group).toBe(lists.get(find("#outer"))!.group);
});
