"""Makes services ready to be used: migrations, demo models, an admin, the connection, the worker's enrolment."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from trapper_cli import fingerprints, private_files, secret_store
from trapper_cli.environments import Addresses
from trapper_cli.layout import Layout
from trapper_cli.supervision.run_command import CommandRunner

ADMIN_EMAIL = "admin@trapper.local"
CONNECTION = "standalone"
OPERATOR_SCOPES = ("models:write", "operate")
ENROLMENT_MINUTES = "60"


@dataclass(frozen=True)
class Step:
    """Something that is done once for each stamp."""

    name: str
    stamp: str
    act: Callable[[], Awaitable[None]]
    #: A file that the step leaves; without it the step is not done, whatever the stamp says.
    leaves: Path | None = None


class Provisioner:
    """Every step may run twice; none runs again while its stamp is the same."""

    def __init__(
        self,
        *,
        root: Path,
        layout: Layout,
        at: Addresses,
        environments: Mapping[str, Mapping[str, str]],
        commands: CommandRunner,
        tell: Callable[[str], None],
    ) -> None:
        self._root = root
        self._layout = layout
        self._at = at
        self._env = environments
        self._commands = commands
        self._tell = tell
        self._done = {str(name): str(stamp) for name, stamp in private_files.read_json(layout.provisioned).items()}
        self._code = fingerprints.of_code(root)
        self._expert = fingerprints.of_database(at.expert_database)
        self._manager = fingerprints.of_database(at.ai_manager_database)

    def before_services(self) -> list[list[Step]]:
        """What needs the databases only: lanes that may run at the same time."""
        words, code, layout = fingerprints.of_words, self._code, self._layout
        blobs = fingerprints.of_folder(layout.blobs)
        return [
            [
                Step("migrate expert", words(code, self._expert), lambda: self._migrate("expert")),
                Step("create the admin", words(self._expert), self._create_admin, layout.admin),
            ],
            [
                Step("migrate ai_manager", words(code, self._manager), lambda: self._migrate("ai_manager")),
                Step("add the demo models", words(code, self._manager, blobs), self._add_models),
                Step("create the operator", words(self._manager), self._create_operator, layout.operator),
            ],
        ]

    def with_manager(self) -> tuple[list[Step], list[Step]]:
        """What needs the Manager's web process: one lane for the Expert, one before the worker's start."""
        words = fingerprints.of_words
        url, both = self._at.http("ai_manager"), self._expert + self._manager
        worker = fingerprints.of_folder(self._layout.worker)
        return (
            [
                Step("connect expert to ai_manager", words(both, url, self._at.expert_notifications), self._connect),
                Step("read the models into expert", words(both, self._code), self._read_models),
            ],
            [Step("enrol the worker", words(self._manager, worker, *self._runtimes()), self._enrol)],
        )

    def pending(self, lane: list[Step]) -> list[Step]:
        """What is left to do."""
        return [step for step in lane if not self._is_done(step)]

    async def run_lane(self, lane: list[Step]) -> None:
        """What is left of a lane, in its order; a step is noted as soon as it is done."""
        for step in self.pending(lane):
            self._tell(step.name)
            await step.act()
            self._done[step.name] = step.stamp
            private_files.write_json(self._layout.provisioned, self._done)

    def _is_done(self, step: Step) -> bool:
        return self._done.get(step.name) == step.stamp and (step.leaves is None or step.leaves.is_file())

    async def _command(self, service: str, *words: str, stdin: str | None = None) -> None:
        await self._commands.python("-m", f"{service}.commands", *words, env=self._env[service], stdin=stdin)

    async def _migrate(self, service: str) -> None:
        await self._commands.python(str(self._root / "migrations" / "run.py"), service, env=self._env[service])

    async def _add_models(self) -> None:
        await self._command(
            "ai_manager", "sync_models_from_schemas", "--weights", str(self._root / "models" / "weights")
        )

    async def _create_admin(self) -> None:
        known = private_files.read_json(self._layout.admin)
        email = str(known.get("email") or ADMIN_EMAIL)
        password = str(known.get("password") or secret_store.make_password())
        private_files.write_json(self._layout.admin, {"email": email, "password": password})
        await self._command("expert", "create_admin", "--email", email, "--password-stdin", "--json", stdin=password)

    async def _create_operator(self) -> None:
        token = await self._token("operator", *OPERATOR_SCOPES)
        private_files.write_json(self._layout.operator, {"token": token, "scopes": list(OPERATOR_SCOPES)})

    async def _connect(self) -> None:
        token = await self._token("expert", "jobs", "fleet")
        words = ("--name", CONNECTION, "--url", self._at.http("ai_manager"), "--token-stdin")
        await self._command("expert", "connect_manager", *words, stdin=token)

    async def _read_models(self) -> None:
        await self._command("expert", "sync_ai_models", "--connection", CONNECTION)

    async def _enrol(self) -> None:
        runtimes = [word for runtime in self._runtimes() for word in ("--runtime", runtime)]
        words = ("issue_enrolment", *runtimes, "--uses", "1", "--minutes", ENROLMENT_MINUTES, "--json")
        answer = await self._commands.answer("-m", "ai_manager.commands", *words, env=self._env["ai_manager"])
        manager = ("--manager", self._at.http("ai_manager"))
        await self._command("ai_worker", "enrol", *manager, "--token-stdin", stdin=str(answer["token"]))

    async def _token(self, name: str, *scopes: str) -> str:
        words = [word for scope in scopes for word in ("--scope", scope)]
        command = ("-m", "ai_manager.commands", "issue_token", "--name", name, *words, "--json")
        answer = await self._commands.answer(*command, env=self._env["ai_manager"])
        return str(answer["token"])

    def _runtimes(self) -> list[str]:
        try:
            metadata.version("onnxruntime-gpu")
        except metadata.PackageNotFoundError:
            return ["onnx-cpu"]
        return ["onnx-cpu", "onnx-cuda"]
