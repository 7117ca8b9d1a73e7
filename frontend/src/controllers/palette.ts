import { Controller } from "@hotwired/stimulus";

export interface Item { label: string; detail?: string; url: string }
export interface Group { label: string; items: Item[] }

const WAIT_MS = 120;

/** The command palette: the pages of the rail at once, everything else as the server finds it. */
export default class PaletteController extends Controller<HTMLDialogElement> {
  static override values = { url: String };
  static override targets = ["input", "list", "none", "pages"];

  declare readonly urlValue: string;
  declare readonly inputTarget: HTMLInputElement;
  declare readonly listTarget: HTMLElement;
  declare readonly noneTarget: HTMLElement;
  declare readonly pagesTarget: HTMLTemplateElement;

  private timer = 0;
  private asked = 0;
  private readonly watcher = new MutationObserver(() => this.element.open && this.opened());

  override connect(): void {
    this.watcher.observe(this.element, { attributeFilter: ["open"] });
  }

  override disconnect(): void {
    this.watcher.disconnect();
    window.clearTimeout(this.timer);
    this.asked += 1;
  }

  search(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.ask(), WAIT_MS);
    this.show([this.pages()]);
  }

  move(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") this.open(this.chosen);
    else if (step) this.choose((this.options.indexOf(this.chosen!) + step + this.options.length) % this.options.length);
    else return;
    event.preventDefault();
  }

  click(event: Event): void {
    this.open((event.target as HTMLElement).closest<HTMLElement>("[role=option]"));
  }

  private opened(): void {
    this.inputTarget.value = "";
    this.search();
    this.inputTarget.focus();
  }

  private async ask(): Promise<void> {
    const words = this.inputTarget.value.trim();
    const turn = ++this.asked;
    if (!this.urlValue) return;
    const url = new URL(this.urlValue, location.href);
    url.searchParams.set("q", words);
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok || turn !== this.asked) return;
    const { groups } = (await answer.json()) as { groups: Group[] };
    this.show([this.pages(), ...groups]);
  }

  private pages(): Group {
    const words = this.inputTarget.value.trim().toLowerCase();
    const links = [...this.pagesTarget.content.querySelectorAll("a")];
    const items = links.map((link) => ({ label: link.textContent ?? "", url: link.getAttribute("href") ?? "" }));
    return { label: "Go to", items: items.filter((item) => item.label.toLowerCase().includes(words)) };
  }

  private show(groups: Group[]): void {
    const filled = groups.filter((group) => group.items.length);
    this.listTarget.replaceChildren(...filled.map(groupElement));
    this.noneTarget.hidden = filled.length > 0;
    this.choose(0);
  }

  private get options(): HTMLElement[] {
    return [...this.listTarget.querySelectorAll<HTMLElement>("[role=option]")];
  }

  private get chosen(): HTMLElement | null {
    return this.listTarget.querySelector("[aria-selected=true]");
  }

  private choose(position: number): void {
    this.options.forEach((option, at) => {
      option.id = `palette-option-${at}`;
      option.setAttribute("aria-selected", String(at === position));
    });
    const option = this.options[position];
    if (option) this.inputTarget.setAttribute("aria-activedescendant", option.id);
    else this.inputTarget.removeAttribute("aria-activedescendant");
    option?.scrollIntoView?.({ block: "nearest" });
  }

  private open(option: HTMLElement | null): void {
    if (option?.dataset.url) location.assign(option.dataset.url);
  }
}

function groupElement(group: Group): HTMLElement {
  const box = document.createElement("div");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", group.label);
  const head = Object.assign(document.createElement("div"), { className: "palette-group", textContent: group.label });
  head.setAttribute("role", "presentation");
  box.append(head, ...group.items.map(optionElement));
  return box;
}

function optionElement(item: Item): HTMLElement {
  const option = document.createElement("div");
  option.setAttribute("role", "option");
  option.dataset.url = item.url;
  option.append(Object.assign(document.createElement("span"), { textContent: item.label }));
  if (item.detail) option.append(Object.assign(document.createElement("span"), { textContent: item.detail }));
  return option;
}
