// Before the first paint, so that no page flashes in the other theme.
try {
  const theme = localStorage.getItem("trapper.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is refused: the theme of the system stays.
}
