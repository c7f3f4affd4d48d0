import { useEffect, useRef, useSyncExternalStore } from "react";

/** Something that a person can do; buttons, the palette, the help and the keyboard read the same table. */
export type Command = {
  id: string;
  title: string;
  keys: string[];
  run: () => void;
  isEnabled?: boolean;
  /** Whether holding the key repeats it; never for decisions. */
  repeats?: boolean;
};
type Scope = { name: string; commands: Command[] };

const scopes: Scope[] = [];
const listeners = new Set<() => void>();
let shown: readonly Scope[] = [];
let pending = "";

function changed(): void {
  shown = scopes.map((scope) => ({ ...scope }));
  for (const listener of listeners) listener();
}

/** Offers commands while the component is there; the innermost scope, which mounted last, hears a key first. */
export function useCommands(name: string, commands: Command[]): void {
  const scope = useRef<Scope>({ name, commands });
  scope.current.commands = commands;
  useEffect(() => {
    const mine = scope.current;
    scopes.push(mine);
    changed();
    return () => {
      scopes.splice(scopes.indexOf(mine), 1);
      changed();
    };
  }, []);
}

export const useAllCommands = (): readonly Scope[] =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );

/** The name of a key as commands have it: "ArrowLeft", "a", "Shift+ArrowLeft", "?". */
export function keyName(
  event: Pick<KeyboardEvent, "key" | "code" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">,
): string {
  const isLatin = event.key.length > 1 || event.key.charCodeAt(0) < 128;
  const key = isLatin ? event.key : event.code.replace(/^Key/, "").toLowerCase();
  const name = key.length === 1 && /[a-z]/i.test(key) ? key.toLowerCase() : key;
  const isSign = name.length === 1 && !/[a-z0-9]/.test(name);
  const modifiers = [
    (event.ctrlKey || event.metaKey) && "Ctrl+",
    event.altKey && "Alt+",
    event.shiftKey && !isSign && "Shift+",
  ];
  return modifiers.filter(Boolean).join("") + name;
}

const isText = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && !["checkbox", "radio", "range", "button"].includes(target.type)));

const usesKey = (target: EventTarget | null, key: string): boolean =>
  target instanceof HTMLElement &&
  ((["Enter", " "].includes(key) && target.closest("a, button, [role=button], [role=option]") !== null) ||
    (/Arrow|Home|End/.test(key) && target.closest("[role=listbox], input[type=range]") !== null));

function dispatch(event: KeyboardEvent): void {
  if (event.isComposing || event.defaultPrevented || isText(event.target)) return;
  if (document.querySelector("[role=dialog], [role=alertdialog]")) return;
  const key = keyName(event);
  if (usesKey(event.target, key)) return;
  const sequence = pending ? `${pending} ${key}` : key;
  pending = "";
  for (const scope of [...scopes].reverse()) {
    const enabled = scope.commands.filter((command) => command.isEnabled !== false);
    const matching = enabled.filter((command) => command.keys.includes(sequence));
    if (matching.length > 1) return; // two commands with one key: neither runs
    const command = matching[0];
    if (command) {
      event.preventDefault();
      if (!event.repeat || command.repeats) command.run();
      return;
    }
    if (enabled.some((command) => command.keys.some((keys) => keys.startsWith(`${sequence} `)))) {
      pending = sequence;
      return;
    }
  }
}

/** Called once, by the app. */
export function listenToKeys(): () => void {
  document.addEventListener("keydown", dispatch);
  return () => document.removeEventListener("keydown", dispatch);
}

const SHOWN: Record<string, string> = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Delete: "Del" };

/** How a person reads a key: "g p" is "G then P". */
export const shownKey = (key: string): string =>
  key
    .split(" ")
    .map((part) =>
      part
        .split("+")
        .map((name) => SHOWN[name] ?? (name.length === 1 ? name.toUpperCase() : name))
        .join("+"),
    )
    .join(" then ");
