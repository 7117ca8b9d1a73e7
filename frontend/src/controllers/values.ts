import { Controller } from "@hotwired/stimulus";

const MOST = 500;
const VALUE = /"([^"]*)"|[^,;\t\r\n]+/g;

/**
 * Takes values into a condition: one that was typed, several that were pasted, or those of a text file that is dropped.
 * The field for one more is empty again at once, so that the next can be typed before the page has answered.
 */
export default class ValuesController extends Controller<HTMLElement> {
  static override targets = ["new"];

  declare readonly newTarget: HTMLInputElement;

  over(event: DragEvent): void {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  }

  async drop(event: DragEvent): Promise<void> {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    this.take(await file.text());
  }

  paste(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData("text") ?? "";
    if (!/[\n\t;]/.test(text.trim())) return; // a text with commas may be one value
    event.preventDefault();
    this.take(text);
  }

  keep(event: Event): void {
    const field = this.newTarget;
    if (event.target !== field || !field.value.trim()) return;
    this.add(field.value);
    field.value = "";
  }

  private add(value: string): void {
    const { name } = this.newTarget;
    this.newTarget.before(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }

  private take(text: string): void {
    const values = [...text.matchAll(VALUE)].map(([found, quoted]) => (quoted ?? found).trim()).filter(Boolean);
    const field = this.newTarget;
    field.setCustomValidity(values.length > MOST ? `More than ${MOST} values: upload them under Value lists.` : "");
    if (!field.reportValidity()) return;
    for (const value of values) this.add(value);
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
