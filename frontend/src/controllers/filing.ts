import { Controller } from "@hotwired/stimulus";

/**
 * Rows dragged onto a folder are moved there; a ticked row takes all ticked ones along.
 *
 *   <div data-controller="filing" data-filing-url-value="/acme/syncs/organize">
 *     <a data-filing-folder="12">…</a>  … <tr draggable="true" data-filing-row="7">…</tr>
 *   </div>
 *
 * By keyboard the same is done with "Move to folder" below ticked rows.
 */
export default class FilingController extends Controller<HTMLElement> {
  static override values = { url: String };

  declare readonly urlValue: string;
  private dragged: string[] = [];

  override connect(): void {
    this.element.addEventListener("dragstart", this.start);
    this.element.addEventListener("dragover", this.over);
    this.element.addEventListener("dragleave", this.leave);
    this.element.addEventListener("drop", this.drop);
    this.element.addEventListener("dragend", this.end);
  }

  override disconnect(): void {
    this.element.removeEventListener("dragstart", this.start);
    this.element.removeEventListener("dragover", this.over);
    this.element.removeEventListener("dragleave", this.leave);
    this.element.removeEventListener("drop", this.drop);
    this.element.removeEventListener("dragend", this.end);
  }

  private readonly start = (event: DragEvent): void => {
    const row = (event.target as HTMLElement).closest<HTMLElement>("[data-filing-row]");
    if (!row) return;
    const own = row.dataset.filingRow ?? "";
    const ticked = [...this.element.querySelectorAll<HTMLInputElement>("input[name=selected]:checked")].map((box) => box.value);
    this.dragged = ticked.includes(own) ? ticked : [own];
    event.dataTransfer?.setData("text/plain", this.dragged.join(","));
  };

  private readonly over = (event: DragEvent): void => {
    const folder = folderOf(event);
    if (!folder || !this.dragged.length) return;
    event.preventDefault();
    folder.dataset.over = "";
  };

  private readonly leave = (event: DragEvent): void => {
    delete folderOf(event)?.dataset.over;
  };

  private readonly drop = (event: DragEvent): void => {
    const folder = folderOf(event);
    if (!folder || !this.dragged.length) return;
    event.preventDefault();
    delete folder.dataset.over;
    this.send(folder.dataset.filingFolder ?? "");
  };

  private readonly end = (): void => {
    this.dragged = [];
  };

  private send(folder: string): void {
    const token = document.body.dataset.csrf ?? "";
    const form = Object.assign(document.createElement("form"), { method: "post", action: this.urlValue, hidden: true });
    const back = location.pathname + location.search;
    const fields = { csrfmiddlewaretoken: token, do: "move", confirm: "yes", folder, back };
    for (const [name, value] of Object.entries(fields)) form.append(hidden(name, value));
    for (const pk of this.dragged) form.append(hidden("selected", pk));
    document.body.append(form);
    form.submit();
  }
}

function folderOf(event: DragEvent): HTMLElement | null {
  return (event.target as HTMLElement).closest<HTMLElement>("[data-filing-folder]");
}

function hidden(name: string, value: string): HTMLInputElement {
  return Object.assign(document.createElement("input"), { type: "hidden", name, value });
}
