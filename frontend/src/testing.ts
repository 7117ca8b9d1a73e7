import { Application, type ControllerConstructor } from "@hotwired/stimulus";

let running: Application | undefined;

/** Puts markup into the page and starts one controller on it; resolves once it is connected. */
export async function mount(html: string, name: string, controller: ControllerConstructor): Promise<HTMLElement> {
  document.body.replaceChildren();
  await settled();
  running?.stop();
  document.body.innerHTML = html;
  running = Application.start();
  running.register(name, controller);
  await settled();
  return document.querySelector<HTMLElement>(`[data-controller~="${name}"]`)!;
}

/** Lets observers and promises run. */
export const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

export const press = (target: EventTarget, key: string, more: KeyboardEventInit = {}): void => {
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
};

export const find = <E extends HTMLElement = HTMLElement>(selector: string): E => document.querySelector<E>(selector)!;
