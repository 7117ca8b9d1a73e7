import { Controller } from "@hotwired/stimulus";
import { type Choice, chosenOf } from "./combobox";

interface Applied {
  inputs: Record<string, string>;
  summary: string;
}

/** A row of the model, the properties of its arrays' elements, and the text columns that hold arrays. */
interface Sample {
  sample?: string;
  properties?: Record<string, string[]>;
  elements?: Record<string, string>;
  problem?: string;
}

const WAIT_MS = 300;

/**
 * The mapper: opens the dialog that says where a line's value comes from, takes its answer over, shows types.
 *
 *   <div data-controller="mapper" data-mapper-url-value="/…/value">
 *     <tr data-mapper-target="line" data-kind="column" data-prefix="map-0">… <button data-action="mapper#open">
 *     <dialog data-mapper-target="dialog" data-depth="1"><div data-mapper-target="body"></div></dialog>
 *   </div>
 *
 * A dialog's own lines (fields inside an object) open the next dialog.
 */
export default class MapperController extends Controller<HTMLElement> {
  static override targets = ["line", "dialog", "tag", "hint", "properties"];
  static override values = { url: String, rows: Boolean };

  declare readonly lineTargets: HTMLElement[];
  declare readonly dialogTargets: HTMLDialogElement[];
  declare readonly propertiesTarget: HTMLDataListElement;
  declare readonly urlValue: string;
  declare readonly rowsValue: boolean;
  private readonly edited: HTMLElement[] = [];
  private sampleRow = "";
  private read: Promise<Sample> | undefined;
  private timer = 0;
  private asked = 0;

  override connect(): void {
    this.element.addEventListener("change", this.onChange);
  }

  override disconnect(): void {
    this.element.removeEventListener("change", this.onChange);
    window.clearTimeout(this.timer);
  }

  lineTargetConnected(line: HTMLElement): void {
    this.describe(line);
  }

  async open(event: Event): Promise<void> {
    const line = lineOf(event.currentTarget as HTMLElement);
    const form = line.closest<HTMLElement>(".value-form");
    const depth = Number(form?.dataset.depth ?? 0) + 1;
    const dialog = this.dialogTargets[depth - 1];
    if (!dialog) return;
    const kind = form?.querySelector<HTMLInputElement>("[name=value-kind]:checked")?.value;
    const inArray = form?.dataset.inArray === "yes" || kind === "array" ? "yes" : "";
    const answer = await this.ask("open", valuesOf(line), { depth: String(depth), in_array: inArray });
    if (!answer.ok) return;
    this.edited[depth] = line;
    this.fill(dialog, await answer.text());
    dialog.showModal();
    await this.infer(dialog.querySelector("form")!);
  }

  async apply(event: Event): Promise<void> {
    const form = event.currentTarget as HTMLFormElement;
    const dialog = form.closest("dialog")!;
    const line = this.edited[Number(form.dataset.depth)];
    const answer = await this.ask("apply", new FormData(form));
    if (answer.status === 422) this.fill(dialog, await answer.text());
    else if (answer.ok && line) {
      const { inputs, summary } = (await answer.json()) as Applied;
      take(line, inputs, summary);
      this.describe(line);
      dialog.close();
      line.querySelector<HTMLElement>(".mapping-value")?.focus();
    }
  }

  close(event: Event): void {
    (event.currentTarget as HTMLElement).closest("dialog")?.close();
  }

  insert(event: Event & { params: { text: string } }): void {
    const area = formOf(event).querySelector<HTMLElement>("[name=value-template]");
    area?.dispatchEvent(new CustomEvent("code-editor:insert", { detail: { text: event.params.text } }));
  }

  result(event: Event): void {
    const form = formOf(event);
    const sample = form.querySelector<HTMLTextAreaElement>("[name=sample]");
    if (event.target === sample) this.sampleRow = sample?.value ?? "";
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.show(form), WAIT_MS);
  }

  async sample(event: Event): Promise<void> {
    const form = formOf(event);
    const place = form.querySelector<HTMLElement>(".value-result");
    this.read = undefined;
    const found = await this.sampled();
    if (found.problem) {
      if (place) place.textContent = found.problem;
      return;
    }
    this.sampleRow = found.sample ?? "";
    form.querySelector<HTMLTextAreaElement>("[name=sample]")!.value = this.sampleRow;
    this.offer(form, found);
    await this.show(form);
  }

  /** The first rows of the model, read once for the whole page. */
  private sampled(): Promise<Sample> {
    this.read ??= this.ask("sample", new FormData()).then((answer) => answer.json() as Promise<Sample>);
    return this.read;
  }

  /** Offer the properties of the chosen array as soon as it is chosen; names can be typed all the same. */
  private async infer(form: HTMLFormElement): Promise<void> {
    const column = form.querySelector<HTMLSelectElement>("select[name=array_column]");
    const wanted = form.querySelector<HTMLInputElement>("[name=value-kind]:checked")?.value === "array" && column?.value;
    if (this.rowsValue && wanted) this.offer(form, await this.sampled());
  }

  private offer(form: HTMLFormElement, found: Sample): void {
    const column = form.querySelector<HTMLSelectElement>("[name=array_column]")?.value ?? "";
    const names = found.properties?.[column] ?? Object.values(found.properties ?? {}).flat();
    this.propertiesTarget.replaceChildren(...names.map((name) => Object.assign(document.createElement("option"), { value: name })));
  }

  /** Text that holds arrays can match records element by element: say so where it is to match. */
  private async findArrays(line: HTMLElement): Promise<void> {
    const ticked = (named(line, "identifier") as HTMLInputElement | null)?.checked;
    const column = named(line, "column");
    if (!this.rowsValue || !ticked || !(column instanceof HTMLSelectElement) || typeOf(line, "column") !== "string") return;
    const name = column.value;
    const element = (await this.sampled()).elements?.[name];
    if (!element || column.value !== name) return;
    if (![...column.options].some((option) => option.value === element)) column.add(Object.assign(document.createElement("option"), { value: element, textContent: `${name}: each element` }));
    const hint = line.querySelector<HTMLElement>("[data-mapper-target~=hint]");
    if (!hint) return;
    hint.textContent = `“${name}” holds JSON arrays. To send a record for each element, choose “${name}: each element”.`;
    hint.hidden = false;
  }

  search(event: Event): void {
    const words = (event.currentTarget as HTMLInputElement).value.trim().toLowerCase();
    for (const line of this.lineTargets) {
      const removed = line.dataset.removed !== undefined;
      if (!line.closest("dialog") && !removed) line.toggleAttribute("data-unmatched", !textOf(line).includes(words));
    }
  }

  searchChoices(event: Event): void {
    const words = (event.currentTarget as HTMLInputElement).value.trim().toLowerCase();
    for (const choice of formOf(event).querySelectorAll<HTMLElement>("[data-mapper-choice]")) {
      choice.hidden = !(choice.textContent ?? "").toLowerCase().includes(words);
    }
  }

  private readonly onChange = (event: Event): void => {
    const changed = event.target as HTMLInputElement | HTMLSelectElement;
    if (changed.name === "value-kind" && changed.value === "array") this.takeProperties(changed.form!);
    if (changed.name === "value-kind" || changed.name === "array_column") void this.infer(changed.form!);
    const line = changed.closest<HTMLElement>("[data-mapper-target~=line]");
    if (!line) return;
    if (changed === named(line, "to")) suggestNesting(line);
    this.describe(line);
    if ([named(line, "identifier"), named(line, "column")].includes(changed)) void this.findArrays(line);
  };

  /** Empty lines inside an array are for properties of its elements. */
  private takeProperties(form: HTMLFormElement): void {
    for (const line of form.querySelectorAll<HTMLElement>("[data-mapper-target~=line]")) {
      if (!named(line, "column")?.value && line.dataset.kind === "column") take(line, { kind: "property" }, "Choose a property");
    }
  }

  /** Type tags beside column and field, and a word where the two do not go together. */
  private describe(line: HTMLElement): void {
    const kind = line.dataset.kind ?? "column";
    const from = kind === "column" ? typeOf(line, "column") : "";
    const to = typeOf(line, "to");
    line.querySelectorAll<HTMLElement>("[data-mapper-target~=tag]").forEach((tag, at) => (tag.dataset.type = at === 0 ? from : to));
    const hint = line.querySelector<HTMLElement>("[data-mapper-target~=hint]");
    if (!hint) return;
    hint.textContent = mismatch(from, to);
    hint.hidden = !hint.textContent;
  }

  private fill(dialog: HTMLDialogElement, html: string): void {
    dialog.querySelector<HTMLElement>("[data-mapper-target~=body]")!.innerHTML = html;
    const form = dialog.querySelector<HTMLFormElement>("form")!;
    const sample = form.querySelector<HTMLTextAreaElement>("[name=sample]");
    if (sample && this.sampleRow) sample.value = this.sampleRow;
    void this.show(form);
  }

  private async show(form: HTMLFormElement): Promise<void> {
    const place = form.querySelector<HTMLElement>(".value-result");
    const template = form.querySelector<HTMLTextAreaElement>("[name=value-template]")?.value;
    if (!place || !template) return place?.replaceChildren();
    const asked = ++this.asked;
    const answer = await this.ask("result", new FormData(form));
    const html = await answer.text();
    if (answer.ok && asked === this.asked) place.innerHTML = html;
  }

  private ask(action: string, data: FormData, more: Record<string, string> = {}): Promise<Response> {
    data.set("action", action);
    for (const [name, value] of Object.entries(more)) data.set(name, value);
    const headers = { "X-CSRFToken": document.body.dataset.csrf ?? "" };
    return fetch(this.urlValue, { method: "POST", body: data, headers });
  }
}

/** What a person should know of sending one type into another; empty where they fit. */
export function mismatch(from: string, to: string): string {
  if (!from || !to || from === to || [from, to].some((type) => ["unknown", "reference"].includes(type))) return "";
  if (to === "string") return from === "object" ? "The object is sent as JSON text." : "";
  if (from === "string") return `Text goes into a ${to} field: rows whose text is no ${to} may be refused.`;
  if (from === "date" && to === "timestamp") return "";
  return `A ${from} goes into a ${to} field: rows may be refused.`;
}

const lineOf = (element: HTMLElement): HTMLElement => element.closest<HTMLElement>("[data-mapper-target~=line]")!;
const formOf = (event: Event): HTMLFormElement => (event.currentTarget as HTMLElement).closest("form")!;
const controls = (line: HTMLElement): NodeListOf<HTMLInputElement | HTMLSelectElement> => line.querySelectorAll("input[name], select[name]");

function named(line: HTMLElement, name: string): HTMLInputElement | HTMLSelectElement | null {
  return line.querySelector(`[name="${line.dataset.prefix}-${name}"]`);
}

/** A line's inputs under the names that the dialog's form has. */
function valuesOf(line: HTMLElement): FormData {
  const data = new FormData();
  const prefix = `${line.dataset.prefix}-`;
  for (const input of controls(line)) {
    const off = input instanceof HTMLInputElement && input.type === "checkbox" && !input.checked;
    if (input.name.startsWith(prefix) && !off) data.set(`value-${input.name.slice(prefix.length)}`, input.value);
  }
  return data;
}

function take(line: HTMLElement, inputs: Record<string, string>, summary: string): void {
  for (const [name, value] of Object.entries(inputs)) {
    const input = named(line, name);
    if (!input || (input instanceof HTMLSelectElement && ![...input.options].some((option) => option.value === value))) continue;
    input.value = value;
    if (input.dataset.controller === "combobox") {
      input.dataset.controller = "";
      requestAnimationFrame(() => (input.dataset.controller = "combobox"));
    }
  }
  line.dataset.kind = inputs.kind ?? "column";
  line.querySelector<HTMLElement>(".mapping-column")!.hidden = line.dataset.kind !== "column";
  line.querySelector<HTMLElement>("[data-mapper-kind]")!.textContent = line.dataset.kind;
  line.querySelector<HTMLElement>("[data-mapper-words]")!.textContent = summary;
}

/** A field that takes objects, or an array of them, is filled by one, unless a value was chosen before. */
function suggestNesting(line: HTMLElement): void {
  const free = line.dataset.kind === "column" && !named(line, "column")?.value;
  const nests = chosen(line, "to")?.data.nests;
  if (!free || !nests || !line.querySelector(".mapping-value")) return;
  take(line, { kind: nests }, nests === "array" ? "Choose the column with the array" : "Choose the fields inside");
}

function chosen(line: HTMLElement, name: string): Choice | undefined {
  const input = named(line, name);
  return input ? chosenOf(input) : undefined;
}

const typeOf = (line: HTMLElement, name: string): string => chosen(line, name)?.data.type ?? "";

function textOf(line: HTMLElement): string {
  const values = [...controls(line)].map((input) => chosenOf(input)?.text ?? input.value);
  return values.join(" ").toLowerCase();
}
