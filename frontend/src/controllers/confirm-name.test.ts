import { expect, test } from "vitest";
import { find, mount } from "../testing";
import ConfirmNameController from "./confirm-name";

const form = (word: string): string => `<form data-controller="confirm-name" data-confirm-name-word-value="${word}">
  ${word && '<input data-confirm-name-target="word" data-action="input->confirm-name#check">'}<button data-confirm-name-target="submit"></button></form>`;

test("the button waits for the exact name", async () => {
  await mount(form("Orders"), "confirm-name", ConfirmNameController);
  const input = find<HTMLInputElement>("input");
  expect(find<HTMLButtonElement>("button").disabled).toBe(true);
  input.value = "Orders ";
  input.dispatchEvent(new Event("input", { bubbles: true }));
  expect(find<HTMLButtonElement>("button").disabled).toBe(false);
});

test("without a name to type the button is ready", async () => {
  await mount(form(""), "confirm-name", ConfirmNameController);
  expect(find<HTMLButtonElement>("button").disabled).toBe(false);
});
