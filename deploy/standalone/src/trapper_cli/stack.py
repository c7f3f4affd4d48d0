"""The life of one stack inside its supervisor: start in order, watch, stop in order."""

import asyncio
import logging
import time
from collections.abc import Callable

from trapper_cli import secret_store
from trapper_cli.environments import Addresses, addresses, environments
from trapper_cli.errors import StackError
from trapper_cli.layout import Layout
from trapper_cli.port_plan import PortPlan
from trapper_cli.process_table import POSTGRES, VALKEY, server_program, service_programs, worker_program
from trapper_cli.provisioning import Provisioner
from trapper_cli.servers import databases
from trapper_cli.servers.postgres import EmbeddedPostgres
from trapper_cli.servers.valkey import EmbeddedValkey
from trapper_cli.settings import StackSettings
from trapper_cli.supervision import leftovers, lock, state
from trapper_cli.supervision.guard_link import GuardLink
from trapper_cli.supervision.program import Program
from trapper_cli.supervision.run_command import CommandRunner, Stopped, run_lanes
from trapper_cli.supervision.state import Phase, StackState
from trapper_cli.supervision.supervisor import Supervisor, own_state

log = logging.getLogger("trapper.supervisor")
LOOK_EVERY = 0.2
LOOK_AT_FOLDER_EVERY = 2.0


class Stack:
    """Use it from the main thread of a process of its own, which holds the lock of the state folder."""

    def __init__(
        self, settings: StackSettings, *, lock_descriptor: int, seconds: float, stopped: Callable[[], bool]
    ) -> None:
        self._settings = settings
        self._layout = Layout(settings.state_dir)
        self._lock = lock_descriptor
        self._deadline = time.monotonic() + seconds
        self._stopped = stopped
        for name in leftovers.end(state.read(self._layout.state)):
            log.warning("stopped %s, which an earlier supervisor had left behind", name)
        self._layout.rotate_logs()
        self._state = StackState(supervisor=own_state())
        self._guard = GuardLink(self._layout.log("supervisor"))
        self._supervisor = Supervisor(self._guard, self._write)
        self._ports = PortPlan()
        self._commands = CommandRunner(
            guard=self._guard,
            log_file=self._layout.log("setup"),
            cwd=settings.root,
            look=self._supervisor.tick,
            stopped=stopped,
        )

    def start(self, *, only_servers: bool = False) -> None:
        """Everything in its order; raises with the name of what failed."""
        self._write()
        layout = self._layout
        secrets = secret_store.load(layout.secrets, data_exists=(layout.postgres / "PG_VERSION").exists())
        self._ports.make(self._settings, layout.ports)
        self._state.ports = self._ports.ports
        at = addresses(self._settings, secrets, self._state.ports)
        self._state.urls = at.urls
        self._start_servers(secrets, at)
        if not only_servers:
            self._start_services(at, environments(self._settings, layout, secrets, at))
        self._ports.release()
        if not self._stopped():
            self._tell("", phase="running")

    def watch(self) -> None:
        """Until somebody asks to stop, or removes the state folder from under it."""
        look_at_folder = time.monotonic()
        while not self._stopped():
            self._supervisor.tick()
            if time.monotonic() > look_at_folder:
                look_at_folder = time.monotonic() + LOOK_AT_FOLDER_EVERY
                if not lock.is_ours(self._layout.lock, self._lock):
                    log.warning("the state folder is gone; stopping")
                    return
            time.sleep(LOOK_EVERY)

    def stop(self, failure: StackError | None = None) -> None:
        """In order; then nothing of the stack is left."""
        self._tell("", phase="stopping")
        self._supervisor.stop_all()
        self._guard.close()
        self._state.processes = []
        self._state.phase = "stopped"
        if failure is not None:
            self._state.phase = "failed"
            self._state.failure = {"message": failure.message, "hint": failure.hint}
        log.info("the stack is %s", self._state.phase)
        self._save()

    def _start_servers(self, secrets: dict[str, str], at: Addresses) -> None:
        layout, settings = self._layout, self._settings
        postgres: EmbeddedPostgres | None = None
        programs = []
        if settings.embeds_valkey:
            valkey = EmbeddedValkey(
                layout.valkey,
                port=self._state.ports["valkey"],
                password=secrets["valkey_password"],
                notifications_password=secrets["valkey_notifications_password"],
                log_file=layout.log("valkey"),
            )
            programs.append(server_program(valkey, stage=VALKEY))
        if settings.embeds_postgres:
            self._tell("start PostgreSQL")
            postgres = EmbeddedPostgres(
                layout.postgres,
                port=self._state.ports["postgres"],
                password=secrets["postgres_password"],
                log_file=layout.log("postgres"),
            )
            postgres.prepare()
            programs.append(server_program(postgres, stage=POSTGRES))
        self._ports.release("postgres", "valkey")
        self._supervisor.start(programs)
        self._wait(*(program.name for program in programs))
        if postgres is not None:
            databases.create(postgres, secrets)
        if settings.environment.get("EXPERT_DATABASE_URL"):
            databases.check_given(at.expert_database)

    def _start_services(self, at: Addresses, envs: dict[str, dict[str, str]]) -> None:
        layout, root = self._layout, self._settings.root
        provisioner = Provisioner(
            root=root, layout=layout, at=at, environments=envs, commands=self._commands, tell=self._tell
        )
        asyncio.run(run_lanes(*map(provisioner.run_lane, provisioner.before_services())))
        programs = service_programs(layout, at, envs, root)
        worker = worker_program(layout, at, envs["ai_worker"], root)
        self._tell("start the services")
        self._ports.release("expert", "ai_manager", "expert-tasks", "ai_manager-tasks")
        self._supervisor.start(programs)
        asyncio.run(self._connect(provisioner, worker))
        self._wait(*(program.name for program in programs), worker.name)

    async def _connect(self, provisioner: Provisioner, worker: Program) -> None:
        for_expert, for_worker = provisioner.with_manager()

        async def start_worker() -> None:
            await provisioner.run_lane(for_worker)
            self._ports.release("ai_worker")
            self._supervisor.start([worker])

        if provisioner.pending(for_expert + for_worker):
            self._wait("ai_manager")
        await run_lanes(provisioner.run_lane(for_expert), start_worker())

    def _wait(self, *names: str) -> None:
        self._supervisor.wait_ready(names, deadline=self._deadline, stopped=self._stopped)
        if self._stopped():
            raise Stopped("The start was interrupted.")

    def _tell(self, step: str, *, phase: Phase = "starting") -> None:
        if step:
            log.info("%s", step)
        if phase != self._state.phase:
            log.info("the stack is %s", phase)
        self._state.step, self._state.phase = step, phase
        self._write()

    def _write(self) -> None:
        self._state.processes = self._supervisor.processes
        self._save()

    def _save(self) -> None:
        if not self._layout.run.is_dir():
            return  # somebody removed the folder; it is not made again for a last word
        try:
            self._state.write(self._layout.state)
        except OSError as problem:  # a full disk must not end what runs
            log.warning("the state could not be written: %s", problem)
