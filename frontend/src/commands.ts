/** `command`/`commandfor` on buttons for browsers that do not know them yet. */
export function supportCommands(root: Document): void {
  if ("commandForElement" in HTMLButtonElement.prototype) return;
  root.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>("button[commandfor]");
    const dialog = button && root.getElementById(button.getAttribute("commandfor") ?? "");
    if (!(dialog instanceof HTMLDialogElement)) return;
    if (button?.getAttribute("command") === "show-modal") dialog.showModal();
    if (button?.getAttribute("command") === "close") dialog.close();
  });
}
