import { Controller } from "@hotwired/stimulus";

const CHORD_MS = 900;

/**
 * Keyboard shortcuts: an element with `data-shortcut` is clicked (a dialog is opened) by its keys.
 *
 *   <button data-shortcut="s w">…</button> <dialog data-shortcut="/">…</dialog> <input data-shortcut-focus>
 */
export default class ShortcutsController extends Controller<HTMLElement> {
  private first = "";
  private timer = 0;
  private readonly onKey = (event: KeyboardEvent): void => this.pressed(event);

  override connect(): void {
    document.addEventListener("keydown", this.onKey);
  }

  override disconnect(): void {
    document.removeEventListener("keydown", this.onKey);
  }

  private pressed(event: KeyboardEvent): void {
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && key === "k") return this.run("/", event);
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || document.querySelector("dialog[open]")) return;
    if (key === "f") return this.focusSearch(event);
    const chord = this.first ? `${this.first} ${key}` : key;
    this.remember(this.first ? "" : key);
    this.run(chord, event);
  }

  private remember(key: string): void {
    this.first = key;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => (this.first = ""), CHORD_MS);
  }

  private run(keys: string, event: KeyboardEvent): void {
    const target = document.querySelector<HTMLElement>(`[data-shortcut="${CSS.escape(keys).replaceAll("\\", "")}"]`);
    if (!target) return;
    event.preventDefault();
    this.first = "";
    if (target instanceof HTMLDialogElement) target.showModal();
    else target.click();
  }

  private focusSearch(event: KeyboardEvent): void {
    const field = document.querySelector<HTMLInputElement>("[data-shortcut-focus]");
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  }
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select, [role=textbox]"));
}
