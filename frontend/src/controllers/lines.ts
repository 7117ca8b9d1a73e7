import { Controller } from "@hotwired/stimulus";

/**
 * The lines of a Django formset: adds them from a template, takes them away, and keeps the count.
 *
 *   <div data-controller="lines">
 *     <input name="map-TOTAL_FORMS" data-lines-target="total">
 *     <tr data-lines-target="line">… <button data-action="lines#remove"></tr>
 *     <template data-lines-target="blank"><tr>… name="map-__prefix__-to" …</tr></template>
 *     <button data-action="lines#add:prevent">Add a line</button>
 *   </div>
 *
 * There is always a line, be it a spare one out of sight. A removed line stays in the form, emptied and out of sight: the server leaves empty lines out.
 */
export default class LinesController extends Controller<HTMLElement> {
  static override targets = ["total", "line", "blank"];

  declare readonly totalTarget: HTMLInputElement;
  declare readonly lineTargets: HTMLElement[];
  declare readonly blankTarget: HTMLTemplateElement;

  add(): void {
    const number = Number(this.totalTarget.value);
    const holder = document.createElement("template");
    holder.innerHTML = this.blankTarget.innerHTML.replaceAll("__prefix__", String(number)).replaceAll("__line__", String(number + 1));
    const line = holder.content.firstElementChild as HTMLElement;
    this.lineTargets.at(-1)?.after(line);
    this.totalTarget.value = String(number + 1);
    line.querySelector<HTMLElement>("select, input")?.focus();
    this.changed();
  }

  remove(event: Event): void {
    const line = (event.currentTarget as HTMLElement).closest<HTMLElement>("[data-lines-target=line]");
    if (!line) return;
    for (const input of line.querySelectorAll<HTMLInputElement | HTMLSelectElement>("input, select")) empty(input);
    line.hidden = true;
    line.dataset.removed = "";
    const next = this.lineTargets.find((other) => !other.hidden);
    next?.querySelector<HTMLElement>("select, input")?.focus();
    this.changed();
  }

  /** What follows the form, such as a sentence about it, follows its lines too. */
  private changed(): void {
    this.element.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

function empty(input: HTMLInputElement | HTMLSelectElement): void {
  if (input instanceof HTMLInputElement && input.type === "checkbox") input.checked = false;
  else if (input instanceof HTMLSelectElement) input.selectedIndex = 0;
  else input.value = "";
}
