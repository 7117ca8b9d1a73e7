import { Controller } from "@hotwired/stimulus";

/**
 * Fields that belong to a choice elsewhere in the form show only with it, and one press submits once.
 *
 *   <input name="password" data-show-when="auth=password|key">
 */
export default class FormController extends Controller<HTMLFormElement> {
  private readonly onChange = (): void => this.showWhen();
  private readonly onSubmit = (): void => this.lock();

  override connect(): void {
    this.element.addEventListener("change", this.onChange);
    this.element.addEventListener("submit", this.onSubmit);
    this.showWhen();
  }

  override disconnect(): void {
    this.element.removeEventListener("change", this.onChange);
    this.element.removeEventListener("submit", this.onSubmit);
  }

  private showWhen(): void {
    const answers = new FormData(this.element);
    for (const control of this.element.querySelectorAll<HTMLElement>("[data-show-when]")) {
      const [name = "", wanted = ""] = (control.dataset.showWhen ?? "").split("=", 2);
      const field = control.closest<HTMLElement>("[data-field]") ?? control;
      field.hidden = !answers.getAll(name).some((answer) => wanted.split("|").includes(String(answer)));
    }
  }

  private lock(): void {
    const buttons = [...this.element.querySelectorAll<HTMLButtonElement>("button[type=submit]")];
    // After the browser has read the form, so that the pressed button's own value is still sent.
    window.setTimeout(() => buttons.forEach((button) => button.setAttribute("aria-disabled", "true")));
    window.setTimeout(() => buttons.forEach((button) => button.removeAttribute("aria-disabled")), 3000);
  }
}
