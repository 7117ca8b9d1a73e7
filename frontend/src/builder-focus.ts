interface SwapEvent extends Event {
  detail: { ctx: { target?: Element | string | null } };
}

const FIELD = "select, input:not([type=hidden]), textarea, button";

/**
 * After an edit of a builder by a button, the next key goes to what the edit was about: the new condition's first field,
 * the one after a removed one, the same arrow of a condition that moved. Without this it would go to whatever the answer
 * put in the button's place, or to the top of the page where nothing is there any more.
 */
export function followEdits(root: Document): void {
  const edits = new WeakMap<Element, string>();
  root.addEventListener(
    "submit",
    (event) => {
      const { submitter, target } = event as SubmitEvent;
      if (!(target instanceof Element) || !target.matches("form.builder")) return;
      if (submitter instanceof HTMLButtonElement && submitter.name === "do" && submitter.value) edits.set(target, submitter.value);
      else edits.delete(target);
    },
    true,
  );
  root.addEventListener("htmx:after:swap", (event) => {
    const { target } = (event as SwapEvent).detail.ctx;
    if (!(target instanceof Element)) return;
    const edit = edits.get(target);
    edits.delete(target);
    if (edit) placeOf(target, edit)?.focus();
  });
}

/** Where to go on in a builder after an edit such as `add|/where|property`. */
export function placeOf(builder: Element, edit: string): HTMLElement | null {
  const [verb = "", pointer = ""] = edit.split("|");
  const find = (selector: string) => builder.querySelector<HTMLElement>(selector);
  const quoted = (value: string) => `"${CSS.escape(value)}"`;
  const button = (value: string) => find(`button[value=${quoted(value)}]`);
  const within = (at: string) => find(`[data-condition=${quoted(at)}]`)?.querySelector<HTMLElement>(FIELD) ?? null;
  const adding = (group: string) => find(`[data-group=${quoted(group)}] ~ .condition-add button`);
  const [, group = pointer, at = 0] = /^(.*)\/conditions\/(\d+)$/.exec(pointer) ?? [];
  const beside = (by: number) => `${group}/conditions/${Number(at) + by}`;
  switch (verb) {
    case "add": {
      const items = builder.querySelectorAll<HTMLElement>(`[data-group=${quoted(pointer)}] > [data-condition]`);
      return items.item(items.length - 1)?.querySelector<HTMLElement>(FIELD) ?? null;
    }
    case "up":
      return button(`up|${beside(-1)}`) ?? button(edit);
    case "down":
      return button(`down|${beside(1)}`) ?? button(edit);
    case "duplicate":
      return within(beside(1));
    case "remove":
      return within(pointer) ?? within(beside(-1)) ?? adding(group) ?? find(".condition-add button");
    case "set":
      return find(`[name*=${quoted(`:${pointer}`)}]:not([type=hidden])`);
    case "drop":
      return find(`button[value^=${quoted(`set|${pointer}|`)}]`);
    case "template":
      return find(`.condition-open :is(${FIELD})`) ?? find(`[data-condition] :is(${FIELD})`);
    default:
      return pointer ? (find("[name=keep_how], [name=keep_name]") ?? within(pointer)) : null;
  }
}
