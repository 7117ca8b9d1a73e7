import { Controller } from "@hotwired/stimulus";

/** Lines of inputs that can be added and removed (key/value and list editors). One empty line always stays. */
export default class RowsController extends Controller<HTMLElement> {
  static override targets = ["line", "add"];

  declare readonly lineTargets: HTMLElement[];
  declare readonly addTarget: HTMLButtonElement;

  override connect(): void {
    this.addTarget.hidden = false;
    const empty = this.lineTargets.filter(isEmpty);
    for (const line of empty.slice(1)) line.remove();
  }

  add(): void {
    const last = this.lineTargets.at(-1);
    if (!last) return;
    const line = last.cloneNode(true) as HTMLElement;
    clear(line);
    last.after(line);
    this.name();
    line.querySelector("input")?.focus();
  }

  remove(event: Event): void {
    const line = (event.currentTarget as HTMLElement).closest<HTMLElement>("[data-rows-target=line]");
    if (!line) return;
    if (this.lineTargets.length === 1) clear(line);
    else line.remove();
    this.name();
    this.addTarget.focus();
  }

  private name(): void {
    this.lineTargets.forEach((line, at) => {
      for (const part of line.querySelectorAll("[aria-label]")) {
        const words = part.getAttribute("aria-label") ?? "";
        part.setAttribute("aria-label", words.replace(/\d+$/, String(at + 1)));
      }
    });
  }
}

const inputs = (line: HTMLElement): HTMLInputElement[] => [...line.querySelectorAll("input")];

const isEmpty = (line: HTMLElement): boolean => inputs(line).every((input) => !input.value);

function clear(line: HTMLElement): void {
  for (const input of inputs(line)) input.value = "";
}
