import { Controller } from "@hotwired/stimulus";

/**
 * References in a text of SQL: chosen from a list, they go in at the cursor; typed, they are completed with Tab.
 *
 *   <textarea data-controller="references" data-references-list-value="columns"></textarea>
 *   <select id="columns"><option value="">Insert…</option><option value='{{"email"}}'>email</option></select>
 *
 * Without scripts the form takes the choice and puts it at the end.
 */
export default class ReferencesController extends Controller<HTMLTextAreaElement> {
  static override values = { list: String };

  declare readonly listValue: string;
  private readonly onChoice = (event: Event): void => {
    const list = this.list;
    if (event.target !== list || !list?.value) return;
    event.stopPropagation();
    const text = list.value;
    list.value = "";
    this.insert(text, this.element.selectionStart);
  };
  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Tab" || event.shiftKey) return;
    const found = this.completed();
    if (!found) return;
    event.preventDefault();
    this.insert(found.text, found.from);
  };

  override connect(): void {
    document.addEventListener("change", this.onChoice, true);
    this.element.addEventListener("keydown", this.onKey);
  }

  override disconnect(): void {
    document.removeEventListener("change", this.onChoice, true);
    this.element.removeEventListener("keydown", this.onKey);
  }

  private get list(): HTMLSelectElement | null {
    return document.getElementById(this.listValue) as HTMLSelectElement | null;
  }

  /** The only reference that begins with the word before the cursor, and where that word begins. */
  private completed(): { text: string; from: number } | null {
    const before = this.element.value.slice(0, this.element.selectionStart);
    const word = /(?:\{\{\s*(?:column\s+)?"?)?([\w.]+)$/.exec(before);
    if (!word?.[1]) return null;
    const begun = word[1].toLowerCase();
    const names = [...(this.list?.options ?? [])].filter((option) => option.value && option.text.toLowerCase().startsWith(begun));
    return names.length === 1 ? { text: names[0]!.value, from: word.index } : null;
  }

  private insert(text: string, from: number): void {
    this.element.setRangeText(text, from, this.element.selectionEnd, "end");
    this.element.focus();
    this.element.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
