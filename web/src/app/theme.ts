import { useState } from "react";
import { storage } from "../base/storage";

type Theme = "light" | "dark";

const present = (): Theme => {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
};

/** The theme that is shown, and the switch to the other one, which the browser keeps. */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(present);
  const change = () => {
    const next = present() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    storage.write("theme", next);
    setTheme(next);
  };
  return [theme, change];
}
