import { Controller } from "@hotwired/stimulus";

/** Keeps the button of a dangerous form off until the name is typed: see templates/components/danger_confirm.html. */
export default class ConfirmNameController extends Controller<HTMLFormElement> {
  static override values = { word: String };
  static override targets = ["word", "submit"];

  declare readonly wordValue: string;
  declare readonly hasWordTarget: boolean;
  declare readonly wordTarget: HTMLInputElement;
  declare readonly submitTarget: HTMLButtonElement;

  override connect(): void {
    this.check();
  }

  check(): void {
    this.submitTarget.disabled = this.hasWordTarget && this.wordTarget.value.trim() !== this.wordValue;
  }
}
