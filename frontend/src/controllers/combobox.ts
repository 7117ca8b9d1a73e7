import { Controller } from "@hotwired/stimulus";

const MOST = 100;
let made = 0;

/**
 * Makes a select searchable: an input and a list stand in for it, the select keeps the value.
 *
 *   <select name="country" data-controller="combobox"><option value="de">Germany</option>…</select>
 */
export default class ComboboxController extends Controller<HTMLSelectElement> {
  private box?: HTMLElement;
  private input!: HTMLInputElement;
  private list!: HTMLElement;
  private at = 0;

  override connect(): void {
    this.build();
    this.showChosen();
  }

  override disconnect(): void {
    this.box?.remove();
    this.element.hidden = false;
  }

  private build(): void {
    const id = `combo-${++made}`;
    this.box = Object.assign(document.createElement("div"), { className: "combo" });
    this.input = document.createElement("input");
    this.list = Object.assign(document.createElement("div"), { className: "combo-list", id, hidden: true });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", this.element.labels?.[0]?.textContent?.trim() ?? "Choices");
    this.input.setAttribute("role", "combobox");
    this.input.setAttribute("aria-controls", id);
    this.input.setAttribute("aria-autocomplete", "list");
    this.input.setAttribute("aria-label", this.list.getAttribute("aria-label") ?? "");
    this.input.autocomplete = "off";
    this.input.disabled = this.element.disabled;
    const described = this.element.getAttribute("aria-describedby");
    if (described) this.input.setAttribute("aria-describedby", described);
    this.box.append(this.input, this.list);
    this.element.before(this.box);
    this.element.hidden = true;
    this.listen();
    this.open(false);
  }

  private listen(): void {
    this.input.addEventListener("focus", () => this.input.select());
    this.input.addEventListener("click", () => this.filter(""));
    this.input.addEventListener("input", () => this.filter(this.input.value));
    this.input.addEventListener("blur", () => this.leave());
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      this.take((event.target as HTMLElement).closest<HTMLElement>("[role=option]"));
    });
  }

  private pressed(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.list.hidden) this.filter("");
    else if (step) this.choose(this.at + step);
    else if (event.key === "Enter" && !this.list.hidden) this.take(this.options[this.at] ?? null);
    else if (event.key === "Escape" && !this.list.hidden) this.leave();
    else return;
    event.preventDefault();
  }

  private filter(words: string): void {
    const wanted = words.trim().toLowerCase();
    const fitting = [...this.element.options].filter((option) => option.text.toLowerCase().includes(wanted)).slice(0, MOST);
    this.list.replaceChildren(...fitting.map((option, at) => this.optionElement(option, at)));
    if (!fitting.length) {
      const none = Object.assign(document.createElement("div"), { className: "combo-none", textContent: "Nothing matches." });
      this.list.append(none);
    }
    this.open(true);
    this.choose(Math.max(0, fitting.findIndex((option) => option.selected && !wanted)));
  }

  private optionElement(option: HTMLOptionElement, at: number): HTMLElement {
    const element = Object.assign(document.createElement("div"), { id: `${this.list.id}-${at}`, textContent: option.text });
    element.setAttribute("role", "option");
    element.dataset.value = option.value;
    return element;
  }

  private get options(): HTMLElement[] {
    return [...this.list.querySelectorAll<HTMLElement>("[role=option]")];
  }

  private choose(position: number): void {
    const options = this.options;
    this.at = options.length ? (position + options.length) % options.length : 0;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === this.at)));
    const option = options[this.at];
    if (option) this.input.setAttribute("aria-activedescendant", option.id);
    option?.scrollIntoView?.({ block: "nearest" });
  }

  private take(option: HTMLElement | null): void {
    if (option?.dataset.value === undefined) return;
    this.element.value = option.dataset.value;
    this.element.dispatchEvent(new Event("change", { bubbles: true }));
    this.leave();
  }

  private leave(): void {
    this.open(false);
    this.showChosen();
  }

  private open(open: boolean): void {
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    if (!open) this.input.removeAttribute("aria-activedescendant");
  }

  private showChosen(): void {
    this.input.value = this.element.options[this.element.selectedIndex]?.text ?? "";
  }
}
