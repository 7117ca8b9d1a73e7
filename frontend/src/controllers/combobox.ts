import { Controller } from "@hotwired/stimulus";

const MOST = 100;
const GAP = 4;
const LEAST_WIDTH = 240;
let made = 0;

/** One choice: what is stored, what is shown, and what else the page says of it (`data-type`). */
export interface Choice {
  value: string;
  text: string;
  data: DOMStringMap;
}

interface Choices {
  all: Choice[];
  byValue: Map<string, Choice>;
}

const lists = new WeakMap<HTMLDataListElement, Choices>();

/**
 * Makes a select searchable: an input and a list stand in for it, the select keeps the value.
 *
 *   <select name="country" data-controller="combobox"><option value="de">Germany</option>…</select>
 *
 * An input with a datalist does as well, so that many of them share one long list; `data-combobox-free`
 * takes what is not in it too.
 *
 *   <input name="to" list="fields" data-controller="combobox" data-combobox-free>
 */
export default class ComboboxController extends Controller<HTMLSelectElement | HTMLInputElement> {
  private box?: HTMLElement;
  private input!: HTMLInputElement;
  private list!: HTMLElement;
  private at = 0;
  private unsaved = false;
  private label = "";

  override connect(): void {
    this.build();
    this.showChosen();
  }

  override disconnect(): void {
    this.hide();
    this.box?.remove();
    this.element.hidden = false;
    if (this.label) this.element.setAttribute("aria-label", this.label);
  }

  private build(): void {
    const id = `combo-${++made}`;
    this.label = this.element.getAttribute("aria-label") ?? "";
    this.element.removeAttribute("aria-label"); // it names the input that stands in
    const label = this.element.labels?.[0]?.textContent?.trim() || this.label || "Choices";
    this.box = Object.assign(document.createElement("div"), { className: "combo" });
    this.input = document.createElement("input");
    this.list = Object.assign(document.createElement("div"), { className: "combo-list", id, hidden: true });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("popover", "manual");
    this.list.setAttribute("aria-label", label);
    this.input.setAttribute("role", "combobox");
    this.input.setAttribute("aria-controls", id);
    this.input.setAttribute("aria-autocomplete", "list");
    this.input.setAttribute("aria-label", label);
    this.input.autocomplete = "off";
    this.input.disabled = this.element.disabled;
    this.input.placeholder = this.element.getAttribute("placeholder") ?? "";
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
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("blur", () => this.left());
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

  private typed(): void {
    this.unsaved = true;
    this.filter(this.input.value);
  }

  /** Words that were typed and not chosen: what may be typed freely counts, the rest goes back to what it was. */
  private left(): void {
    const words = this.input.value.trim();
    if (this.free && this.unsaved) this.store(choicesOf(this.element).all.find((choice) => isCalled(choice, words))?.value ?? words);
    this.leave();
  }

  private filter(words: string): void {
    const wanted = words.trim().toLowerCase();
    const fitting = choicesWith(this.element, wanted);
    const own = words.trim();
    if (this.free && own && !fitting.some((choice) => isCalled(choice, own))) fitting.push({ value: own, text: `Use “${own}”`, data: {} });
    this.list.replaceChildren(...fitting.map((choice, at) => this.optionElement(choice, at)));
    if (!fitting.length) {
      const none = Object.assign(document.createElement("div"), { className: "combo-none", textContent: "Nothing matches." });
      this.list.append(none);
    }
    this.open(true);
    this.choose(Math.max(0, fitting.findIndex((choice) => choice.value === this.element.value && !wanted)));
  }

  private optionElement(choice: Choice, at: number): HTMLElement {
    const element = Object.assign(document.createElement("div"), { id: `${this.list.id}-${at}` });
    if (choice.data.type) {
      const tag = Object.assign(document.createElement("span"), { className: "type-tag" });
      tag.dataset.type = choice.data.type;
      tag.setAttribute("aria-hidden", "true");
      element.append(tag, " ");
    }
    element.append(choice.text);
    element.setAttribute("role", "option");
    element.dataset.value = choice.value;
    return element;
  }

  private get free(): boolean {
    return this.element.dataset.comboboxFree !== undefined;
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
    this.store(option.dataset.value);
    this.leave();
  }

  private store(value: string): void {
    this.element.value = value;
    this.element.dispatchEvent(new Event("change", { bubbles: true }));
  }

  private leave(): void {
    this.unsaved = false;
    this.open(false);
    this.showChosen();
  }

  private open(open: boolean): void {
    this.list.hidden = !open;
    if (open) this.show();
    else this.hide();
    this.input.setAttribute("aria-expanded", String(open));
    if (!open) this.input.removeAttribute("aria-activedescendant");
  }

  /** Above everything else: a table or dialog that scrolls would cut the list off. */
  private show(): void {
    if (!this.list.isConnected || !this.list.showPopover) return;
    if (!this.list.matches(":popover-open")) this.list.showPopover();
    window.addEventListener("scroll", this.place, { capture: true, passive: true });
    this.place();
  }

  private hide(): void {
    window.removeEventListener("scroll", this.place, { capture: true });
    if (this.list.hidePopover && this.list.matches(":popover-open")) this.list.hidePopover();
  }

  private readonly place = (): void => {
    const field = this.input.getBoundingClientRect();
    const width = Math.min(Math.max(field.width, LEAST_WIDTH), window.innerWidth - 2 * GAP);
    this.list.style.width = `${width}px`;
    const height = this.list.offsetHeight;
    const below = field.bottom + GAP + height <= window.innerHeight || field.top < height;
    this.list.style.left = `${Math.max(GAP, Math.min(field.left, window.innerWidth - width - GAP))}px`;
    this.list.style.top = `${below ? field.bottom + GAP : field.top - height - GAP}px`;
  };

  private showChosen(): void {
    const value = this.element.value;
    const gone = this.element instanceof HTMLInputElement && !this.free && value ? `${value} (not found)` : value;
    this.input.value = chosenOf(this.element)?.text ?? gone;
  }
}

/** The choice that a select or an input with a datalist stands at. */
export function chosenOf(element: HTMLSelectElement | HTMLInputElement): Choice | undefined {
  if (element instanceof HTMLSelectElement) return element.selectedIndex < 0 ? undefined : choiceOf(element.options[element.selectedIndex]!);
  return choicesOf(element).byValue.get(element.value);
}

/** All its choices; those of a datalist are read once for all inputs that share it. */
function choicesOf(element: HTMLSelectElement | HTMLInputElement): Choices {
  if (element instanceof HTMLSelectElement) return indexed(element.options);
  const list = document.getElementById(element.getAttribute("list") ?? "");
  if (!(list instanceof HTMLDataListElement)) return indexed([]);
  const known = lists.get(list) ?? indexed(list.options);
  lists.set(list, known);
  return known;
}

function choicesWith(element: HTMLSelectElement | HTMLInputElement, words: string): Choice[] {
  const found: Choice[] = [];
  for (const choice of choicesOf(element).all) {
    if (choice.text.toLowerCase().includes(words)) found.push(choice);
    if (found.length === MOST) break;
  }
  return found;
}

function indexed(options: Iterable<HTMLOptionElement> | ArrayLike<HTMLOptionElement>): Choices {
  const all = Array.from(options, choiceOf);
  return { all, byValue: new Map(all.map((choice) => [choice.value, choice])) };
}

const choiceOf = (option: HTMLOptionElement): Choice => ({ value: option.value, text: option.text || option.value, data: option.dataset });
const isCalled = (choice: Choice, words: string): boolean => [choice.value, choice.text].some((name) => name.toLowerCase() === words.toLowerCase());
