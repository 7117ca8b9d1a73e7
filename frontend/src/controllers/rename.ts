import { Controller } from "@hotwired/stimulus";

/** Turns a title into its form and back: see templates/components/page_header.html. */
export default class RenameController extends Controller<HTMLElement> {
  static override targets = ["shown", "button", "form", "input"];

  declare readonly shownTarget: HTMLElement;
  declare readonly buttonTarget: HTMLButtonElement;
  declare readonly formTarget: HTMLFormElement;
  declare readonly inputTarget: HTMLInputElement;

  edit(): void {
    this.toggle(true);
    this.inputTarget.select();
  }

  cancel(): void {
    this.formTarget.reset();
    this.toggle(false);
    this.buttonTarget.focus();
  }

  private toggle(editing: boolean): void {
    this.formTarget.hidden = !editing;
    this.shownTarget.hidden = editing;
    this.buttonTarget.hidden = editing;
  }
}
