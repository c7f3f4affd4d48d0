import "../ui/tokens.css";
import "../ui/base.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { createRoot } from "react-dom/client";
import { queryClient } from "../base/queryClient";
import { listenToKeys } from "../parts/keys/commands";
import { router } from "./router";
import { SessionDialog } from "./SessionDialog";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

listenToKeys();
// A new release may have taken away what this page wants to load; loading it again gets the new one, and once is enough.
window.addEventListener("vite:preloadError", () => {
  const at = Number(sessionStorage.getItem("reloaded-at") ?? 0);
  if (Date.now() - at < 60_000) return;
  sessionStorage.setItem("reloaded-at", String(Date.now()));
  window.location.reload();
});

createRoot(root).render(
  <QueryClientProvider client={queryClient}>
    <RouterProvider router={router} />
    <SessionDialog />
  </QueryClientProvider>,
);
