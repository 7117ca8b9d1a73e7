import { Controller } from "@hotwired/stimulus";
import type { SortableEvent } from "sortablejs";

const load = () => import("sortablejs");

/**
 * Conditions moved by dragging a handle, within their group or into another one about the same rows.
 *
 *   <div data-controller="conditions">
 *     <ol data-conditions-target="list" data-group="/where" data-scope="/where">
 *       <li data-condition="/where/conditions/0"><span data-condition-handle>…</span>…</li>
 *     </ol>
 *   </div>
 *
 * The page is asked to move it, as the buttons beside each condition do; those are for the keyboard.
 */
export default class ConditionsController extends Controller<HTMLElement> {
  static override targets = ["list"];

  private library: ReturnType<typeof load> | undefined;
  private readonly lists = new Map<HTMLElement, { destroy(): void }>();

  listTargetConnected(list: HTMLElement): void {
    void this.drag(list);
  }

  listTargetDisconnected(list: HTMLElement): void {
    this.lists.get(list)?.destroy();
    this.lists.delete(list);
  }

  /** Ask for the condition at a place among the others of a list, as they were before. */
  move(item: HTMLElement, to: HTMLElement, place: number): void {
    const form = this.element.closest("form");
    if (!form) return;
    const value = `move|${item.dataset.condition}|${to.dataset.group}/conditions/${place}`;
    const button = Object.assign(document.createElement("button"), { type: "submit", name: "do", value, hidden: true });
    form.append(button);
    form.requestSubmit(button);
    button.remove();
  }

  private async drag(list: HTMLElement): Promise<void> {
    const { default: Sortable } = await (this.library ??= load());
    if (!list.isConnected || this.lists.has(list)) return;
    const sortable = Sortable.create(list, {
      group: list.dataset.scope ?? "",
      draggable: ">[data-condition]",
      handle: "[data-condition-handle]",
      animation: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
      onEnd: ({ item, from, to, oldDraggableIndex = 0, newDraggableIndex = 0 }: SortableEvent) => {
        if (from === to && oldDraggableIndex === newDraggableIndex) return;
        const behind = from === to && newDraggableIndex > oldDraggableIndex;
        this.move(item, to, behind ? newDraggableIndex + 1 : newDraggableIndex);
      },
    });
    this.lists.set(list, sortable);
  }
}
