import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useParams, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { text } from "../base/messages/en";
import { signOut } from "../features/access/mutations";
import { meQuery } from "../features/access/queries";
import { projectQuery } from "../features/projects/queries";
import { useCommands } from "../parts/keys/commands";
import { Button } from "../ui/Button";
import { Brand, Icon, type IconName } from "../ui/icons";
import { KeyHelp } from "./KeyHelp";
import { Palette } from "./Palette";
import styles from "./Shell.module.css";
import { useTheme } from "./theme";

const PAGES = [
  { to: "/projects/$project", key: "o", icon: "overview", label: text.shell.overview },
  { to: "/projects/$project/import", key: "i", icon: "import", label: text.shell.import },
  { to: "/projects/$project/jobs", key: "j", icon: "jobs", label: text.shell.jobs },
  { to: "/projects/$project/review", key: "r", icon: "review", label: text.shell.review },
  { to: "/projects/$project/settings", key: "s", icon: "settings", label: text.shell.settings },
] as const satisfies readonly { to: string; key: string; icon: IconName; label: string }[];

type Opened = "palette" | "keys" | null;

export function Shell() {
  const { project } = useParams({ strict: false });
  const me = useQuery(meQuery).data;
  const navigate = useNavigate();
  const [theme, switchTheme] = useTheme();
  const [opened, setOpened] = useState<Opened>(null);
  useFocusAfterNavigation();
  const leave = async () => {
    await signOut();
    await navigate({ to: "/sign-in", search: {} });
  };
  useCommands(text.shell.every, [
    { id: "palette", title: text.shell.palette, keys: ["/", "Ctrl+k"], run: () => setOpened("palette") },
    { id: "keys", title: text.shell.keys, keys: ["?"], run: () => setOpened("keys") },
    { id: "theme", title: text.shell.theme, keys: [], run: switchTheme },
    { id: "projects", title: text.shell.projects, keys: ["g p"], run: () => void navigate({ to: "/projects" }) },
    ...(me?.is_site_admin
      ? [{ id: "fleet", title: text.shell.fleet, keys: ["g f"], run: () => void navigate({ to: "/fleet" }) }]
      : []),
    ...(project
      ? PAGES.map((page) => ({
          id: page.key,
          title: page.label,
          keys: [`g ${page.key}`],
          run: () => void navigate({ to: page.to, params: { project } }),
        }))
      : []),
    { id: "sign-out", title: text.shell.signOut, keys: [], run: () => void leave() },
  ]);
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">
        {text.shell.skip}
      </a>
      <div className={styles.side}>
        <div className={styles.brandRow}>
          <Link to="/projects" className={styles.brand}>
            <Brand /> Trapper
          </Link>
          {project && <ProjectName id={project} />}
        </div>
        <Navigation project={project} isAdmin={me?.is_site_admin ?? false} />
        <div className={styles.foot}>
          <div className={styles.tools}>
            <Button kind="quiet" size="icon" label={text.shell.palette} onPress={() => setOpened("palette")}>
              <Icon name="search" />
            </Button>
            <Button kind="quiet" size="icon" label={text.shell.keys} onPress={() => setOpened("keys")}>
              <Icon name="keys" />
            </Button>
            <Button kind="quiet" size="icon" label={text.shell.theme} onPress={switchTheme}>
              <Icon name={theme === "dark" ? "sun" : "moon"} />
            </Button>
            <Button kind="quiet" size="icon" label={text.shell.signOut} onPress={() => void leave()}>
              <Icon name="out" />
            </Button>
          </div>
          <p className={styles.account}>{me?.email}</p>
        </div>
      </div>
      <main id="main" className={styles.main} tabIndex={-1}>
        <Offline />
        <Outlet />
      </main>
      <Palette isOpen={opened === "palette"} onClose={() => setOpened(null)} />
      <KeyHelp isOpen={opened === "keys"} onClose={() => setOpened(null)} />
    </div>
  );
}

function ProjectName({ id }: { id: string }) {
  const name = useQuery(projectQuery(id)).data?.name;
  return (
    <Link to="/projects" className={styles.project}>
      <small>{text.settings.project}</small>
      {name ?? "…"}
    </Link>
  );
}

function Navigation({ project, isAdmin }: { project: string | undefined; isAdmin: boolean }) {
  return (
    <nav className={styles.nav} aria-label={text.shell.main}>
      {project ? (
        PAGES.map((page) => (
          <Link
            key={page.to}
            to={page.to}
            params={{ project }}
            className={styles.link}
            activeOptions={{ exact: page.to === "/projects/$project", includeSearch: false }}
          >
            <Icon name={page.icon} />
            {page.label}
          </Link>
        ))
      ) : (
        <Link to="/projects" className={styles.link}>
          <Icon name="projects" />
          {text.shell.projects}
        </Link>
      )}
      {isAdmin && (
        <Link to="/fleet" className={styles.link}>
          <Icon name="fleet" />
          {text.shell.fleet}
        </Link>
      )}
    </nav>
  );
}

function Offline() {
  const isOnline = useSyncExternalStore(
    (changed) => {
      window.addEventListener("online", changed);
      window.addEventListener("offline", changed);
      return () => {
        window.removeEventListener("online", changed);
        window.removeEventListener("offline", changed);
      };
    },
    () => navigator.onLine,
  );
  return isOnline ? null : (
    <p className={styles.offline} role="status">
      {text.shell.offline}
    </p>
  );
}

/** After a navigation, focus and title move to the page's heading, so that a screen reader says where it is. */
function useFocusAfterNavigation(): void {
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  const first = useRef(true);
  useEffect(() => {
    if (!path) return;
    const heading = document.querySelector<HTMLElement>("main h1");
    document.title = heading?.textContent ? `${heading.textContent} · Trapper` : "Trapper";
    if (!first.current) heading?.focus({ preventScroll: true });
    first.current = false;
  }, [path]);
}
