import { Controller } from "@hotwired/stimulus";

/** Names the chosen file and takes dropped ones. */
export default class UploadController extends Controller<HTMLElement> {
  static override targets = ["input", "words"];

  declare readonly inputTarget: HTMLInputElement;
  declare readonly wordsTarget: HTMLElement;
  private readonly onDrag = (event: DragEvent): void => this.dragged(event);

  override connect(): void {
    for (const name of ["dragover", "dragleave", "drop"] as const) this.element.addEventListener(name, this.onDrag);
  }

  override disconnect(): void {
    for (const name of ["dragover", "dragleave", "drop"] as const) this.element.removeEventListener(name, this.onDrag);
  }

  show(): void {
    const file = this.inputTarget.files?.[0];
    if (file) this.wordsTarget.textContent = `${file.name}, ${sizeWords(file.size)}`;
  }

  private dragged(event: DragEvent): void {
    event.preventDefault();
    this.element.toggleAttribute("data-over", event.type === "dragover");
    if (event.type !== "drop" || !event.dataTransfer?.files.length) return;
    this.inputTarget.files = event.dataTransfer.files;
    this.show();
  }
}

/** 1.2 MB; steps of 1,000, as file managers count. */
export function sizeWords(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB"];
  let size = bytes;
  let at = 0;
  while (size >= 1000 && at < units.length - 1) {
    size /= 1000;
    at += 1;
  }
  return `${at ? size.toFixed(1) : size} ${units[at]}`;
}
