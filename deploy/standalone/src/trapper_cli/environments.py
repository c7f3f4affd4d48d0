"""What each service is told: its own settings and nobody else's, by environment and never by argument."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from trapper_cli.layout import Layout
from trapper_cli.ports import LOOPBACK
from trapper_cli.settings import StackSettings

SERVICES = ("expert", "ai_manager", "ai_worker")
TASK_PROCESSES = ("expert-tasks", "ai_manager-tasks")
_PREFIXES = tuple(f"{service.upper()}_" for service in SERVICES)
#: A person waits for the stack to stop; what the worker could not deliver it keeps for the next start.
WORKER_GRACE = 5.0
#: A folder of ours is left out where the caller names an object store.
_INSTEAD_OF = {
    "EXPERT_MEDIA_DIR": "EXPERT_MEDIA_URL",
    "EXPERT_BLOBS_DIR": "EXPERT_BLOBS_URL",
    "AI_MANAGER_BLOBS_DIR": "AI_MANAGER_BLOBS_URL",
}
_LOOPBACK_NETWORK = json.dumps(["127.0.0.0/8"])


@dataclass(frozen=True)
class Addresses:
    """Where everything listens; a server of somebody else's has the address that was given."""

    ports: Mapping[str, int]
    expert_database: str
    ai_manager_database: str
    expert_redis: str
    ai_manager_redis: str
    expert_notifications: str
    ai_manager_notifications: str
    ai_worker_notifications: str

    def http(self, service: str) -> str:
        return f"http://{LOOPBACK}:{self.ports[service]}"

    @property
    def urls(self) -> dict[str, str]:
        """What `trapper status` prints."""
        listeners = (*SERVICES, *TASK_PROCESSES)
        return {**{name: self.http(name) for name in listeners}, "valkey": self.expert_redis}


def addresses(settings: StackSettings, secrets: Mapping[str, str], ports: Mapping[str, int]) -> Addresses:
    """The addresses of this stack, after the given ones."""
    given = settings.environment

    def database(service: str) -> str:
        made = f"postgresql://{service}:{secrets[f'{service}_database_password']}@{LOOPBACK}:{ports.get('postgres')}"
        return given.get(f"{service.upper()}_DATABASE_URL") or f"{made}/{service}"

    embedded = f"{LOOPBACK}:{ports.get('valkey')}/0"
    inner = given.get("REDIS_URL") or f"redis://:{secrets['valkey_password']}@{embedded}"

    def redis(service: str) -> str:
        return given.get(f"{service.upper()}_REDIS_URL") or inner

    def notifier(service: str) -> str:
        named = given.get(f"{service.upper()}_NOTIFICATIONS_REDIS_URL") or given.get("NOTIFICATIONS_REDIS_URL")
        if settings.embeds_valkey:
            return named or f"redis://notifications:{secrets['valkey_notifications_password']}@{embedded}"
        return named or given.get("REDIS_URL") or redis("ai_manager")

    return Addresses(
        ports=ports,
        expert_database=database("expert"),
        ai_manager_database=database("ai_manager"),
        expert_redis=redis("expert"),
        ai_manager_redis=redis("ai_manager"),
        expert_notifications=notifier("expert"),
        ai_manager_notifications=notifier("ai_manager"),
        ai_worker_notifications=notifier("ai_worker"),
    )


def environments(
    settings: StackSettings, layout: Layout, secrets: Mapping[str, str], at: Addresses
) -> dict[str, dict[str, str]]:
    """The whole environment of each service's processes; what the caller set with a service's prefix wins."""
    common = _common(settings)
    own = {
        "expert": {
            "EXPERT_DATABASE_URL": at.expert_database,
            "EXPERT_REDIS_URL": at.expert_redis,
            "EXPERT_NOTIFICATIONS_REDIS_URL": at.expert_notifications,
            "EXPERT_MEDIA_DIR": str(layout.media),
            "EXPERT_BLOBS_DIR": str(layout.expert_blobs),
            "EXPERT_SECRET_KEY": secrets["expert_secret_key"],
            "EXPERT_PUBLIC_URL": at.http("expert"),
            "EXPERT_ALLOWED_ADDRESSES": _LOOPBACK_NETWORK,
        },
        "ai_manager": {
            "AI_MANAGER_DATABASE_URL": at.ai_manager_database,
            "AI_MANAGER_REDIS_URL": at.ai_manager_redis,
            "AI_MANAGER_NOTIFICATIONS_REDIS_URL": at.ai_manager_notifications,
            "AI_MANAGER_BLOBS_DIR": str(layout.blobs),
            "AI_MANAGER_SECRET_KEY": secrets["ai_manager_secret_key"],
        },
        "ai_worker": {
            "AI_WORKER_STATE_DIR": str(layout.worker),
            "AI_WORKER_MANAGER_URL": at.http("ai_manager"),
            "AI_WORKER_REDIS_URL": at.ai_worker_notifications,
            "AI_WORKER_MEDIA_ORIGINS": json.dumps([at.http("expert")]),
            "AI_WORKER_ALLOWED_ADDRESSES": _LOOPBACK_NETWORK,
            "AI_WORKER_INTERVALS__GRACE": str(WORKER_GRACE),
        },
    }
    for service in SERVICES:
        given = _given(settings, service)
        kept = {name: value for name, value in own[service].items() if _INSTEAD_OF.get(name) not in given}
        own[service] = common | kept | given
    for name in TASK_PROCESSES:  # the stack asks there, so its own port stands above a given one
        service = name.removesuffix("-tasks")
        own[service][f"{service.upper()}_TASKS_ADDRESS"] = f"{LOOPBACK}:{at.ports[name]}"
    return own


def _given(settings: StackSettings, service: str) -> dict[str, str]:
    prefix = f"{service.upper()}_"
    return {name: value for name, value in settings.environment.items() if name.startswith(prefix)}


def _common(settings: StackSettings) -> dict[str, str]:
    # Without its bytecode every start compiles every import again; an address of PostgreSQL for a person's own use
    # must not reach the services.
    dropped = {"PYTHONDONTWRITEBYTECODE", "REDIS_URL", "NOTIFICATIONS_REDIS_URL"}
    prefixes = (*_PREFIXES, "TRAPPER_", *(("PG",) if settings.embeds_postgres else ()))
    kept = {
        name: value
        for name, value in settings.environment.items()
        if name not in dropped and not name.startswith(prefixes)
    }
    return {**kept, "PYTHONUNBUFFERED": "1"}
