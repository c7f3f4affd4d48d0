import { QueryClient } from "@tanstack/react-query";
import { asProblem } from "./api/problem";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      retry: (failures, error) => failures < 2 && asProblem(error).mayPass,
      retryDelay: (attempt) => 500 * 2 ** attempt * (0.5 + Math.random()),
      refetchOnWindowFocus: false,
      networkMode: "always",
    },
    mutations: { retry: false, networkMode: "always" },
  },
});
