import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
  useNavigate,
} from "@tanstack/react-router";
import { asProblem } from "../base/api/problem";
import { session } from "../base/api/session";
import { queryClient } from "../base/queryClient";
import { meQuery } from "../features/access/queries";
import { SignInPage } from "../features/access/SignInPage";
import { jobsSearch } from "../features/jobs/search";
import { ProjectsPage } from "../features/projects/ProjectsPage";
import { reviewSearch } from "../features/reviews/search";
import { FailedPage, NotFoundPage } from "./pages";
import { Shell } from "./Shell";

const rootRoute = createRootRoute({ component: Outlet, notFoundComponent: NotFoundPage, errorComponent: FailedPage });

/** Only an address of this app: a link must not lead elsewhere after signing in. */
const safeNext = (next: unknown): string =>
  typeof next === "string" && /^\/(?![/\\])/.test(next) ? next : "/projects";

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  validateSearch: (search: Record<string, unknown>): { next?: string } =>
    search.next === undefined ? {} : { next: safeNext(search.next) },
  component: function SignIn() {
    const navigate = useNavigate();
    const { next } = signInRoute.useSearch();
    return <SignInPage onDone={() => void navigate({ href: safeNext(next) })} />;
  },
});

const signedInRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "signed-in",
  beforeLoad: async ({ location }) => {
    const toSignIn = () => redirect({ to: "/sign-in", search: { next: location.href } });
    if (!session.mayExist) throw toSignIn();
    try {
      await queryClient.ensureQueryData(meQuery);
    } catch (error) {
      if (asProblem(error).status !== 401) throw error;
      session.end();
      throw toSignIn();
    }
  },
  component: Shell,
});

const homeRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/projects" });
  },
});

const projectsRoute = createRoute({ getParentRoute: () => signedInRoute, path: "/projects", component: ProjectsPage });

const fleetRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/fleet",
  component: lazyRouteComponent(() => import("../features/fleet/FleetPage"), "FleetPage"),
});

const projectRoute = createRoute({ getParentRoute: () => signedInRoute, path: "/projects/$project" });

const overviewRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/",
  component: lazyRouteComponent(() => import("../features/statistics/OverviewPage"), "OverviewPage"),
});

const jobsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/jobs",
  validateSearch: jobsSearch,
  component: lazyRouteComponent(() => import("../features/jobs/JobsPage"), "JobsPage"),
});

const jobRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/jobs/$job",
  component: lazyRouteComponent(() => import("../features/jobs/JobPage"), "JobPage"),
});

const reviewRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/review",
  validateSearch: reviewSearch,
  component: lazyRouteComponent(() => import("../features/reviews/ReviewPage"), "ReviewPage"),
});

const classifyRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/classify/$resource",
  component: lazyRouteComponent(() => import("../features/classifications/ClassifyPage"), "ClassifyPage"),
});

const occurrenceRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/occurrences/$occurrence",
  component: lazyRouteComponent(() => import("../features/occurrences/OccurrencePage"), "OccurrencePage"),
});

const importRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/import",
  component: lazyRouteComponent(() => import("../features/uploads/ImportPage"), "ImportPage"),
});

const settingsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/settings",
  component: lazyRouteComponent(() => import("../features/settings/SettingsPage"), "SettingsPage"),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    signInRoute,
    signedInRoute.addChildren([
      homeRoute,
      projectsRoute,
      fleetRoute,
      projectRoute.addChildren([
        overviewRoute,
        jobsRoute,
        jobRoute,
        reviewRoute,
        classifyRoute,
        occurrenceRoute,
        importRoute,
        settingsRoute,
      ]),
    ]),
  ]),
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
