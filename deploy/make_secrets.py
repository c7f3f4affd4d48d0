"""Writes what deploy/compose.yaml mounts as secrets into deploy/secrets; never over secrets that are there.

Every service has its own password for PostgreSQL, and its own user in each Valkey with the commands and keys it needs.
"""

import secrets
import sys
from hashlib import sha256
from pathlib import Path

QUEUE_COMMANDS = (
    "ping hello auth client|setinfo select info evalsha eval script|load"
    " del hdel hexists hget hlen hmget hset keys llen lpop rpush sadd scard smembers srem zadd zcard zrangebyscore zrem"
)
"""What Dramatiq's script does to a queue, and what measures it."""
QUEUES = {"expert": ["trapper_expert"], "ai_manager": ["ai_manager"]}
"""The namespace of each service's inner queue."""
_SHARED = ["__heartbeats__", "__acks__.*"]
NOTIFICATIONS = {
    "expert": ["trapper_expert.*", "outstanding:trapper_expert.*", *_SHARED],
    "ai_manager": [
        "trapper_expert.*",
        "outstanding:trapper_expert.*",
        "trapperai_runtime.*",
        "outstanding:trapperai_runtime.*",
        *_SHARED,
    ],
    "ai_worker": ["trapperai_runtime.*", "outstanding:trapperai_runtime.*", *_SHARED],
}
"""The keys of the notifications' namespace that each service sends or receives."""
NAMESPACE = "trapper_notifications"


def acl(keys: dict[str, list[str]], passwords: dict[str, str], *, more: str = "") -> str:
    """A Valkey ACL file: nobody without a password, but a user of the health check who may do nothing else."""
    commands = " ".join(f"+{name}" for name in f"{QUEUE_COMMANDS} {more}".split())
    lines = ["user default off", "user health on nopass resetkeys resetchannels -@all +ping"]
    for service, patterns in keys.items():
        allowed = " ".join(f"~{pattern}" for pattern in patterns)
        digest = sha256(passwords[service].encode()).hexdigest()
        lines.append(f"user {service} on #{digest} resetkeys {allowed} resetchannels -@all {commands}")
    return "\n".join(lines) + "\n"


def contents() -> dict[str, str]:
    """Every file with a fresh secret."""
    queue = {service: secrets.token_hex(24) for service in QUEUES}
    notified = {service: secrets.token_hex(24) for service in NOTIFICATIONS}
    database = {service: secrets.token_hex(24) for service in QUEUES}
    files = {"postgres_password": secrets.token_hex(24)}
    for service in QUEUES:
        files |= {
            f"{service}_password": database[service],
            f"{service}_database_url": f"postgresql://{service}:{database[service]}@postgres/{service}",
            f"{service}_secret_key": secrets.token_hex(32),
            f"{service}_redis_url": f"redis://{service}:{queue[service]}@queues/0",
            f"{service}_notifications_redis_url": f"redis://{service}:{notified[service]}@notifications/0",
        }
    files["ai_worker_redis_url"] = f"redis://ai_worker:{notified['ai_worker']}@notifications/0"
    files["queues.acl"] = acl({name: [key, f"{key}:*"] for name, (key,) in QUEUES.items()}, queue)
    keys = {name: [NAMESPACE, *(f"{NAMESPACE}:{key}" for key in own)] for name, own in NOTIFICATIONS.items()}
    files["notifications.acl"] = acl(keys, notified, more="set")
    return files


def main(folder: Path) -> None:
    """Write all files or none: passwords stand in several of them."""
    files = contents()
    present = sorted(name for name in files if (folder / name).exists())
    if present:
        sys.exit(f"{folder} has secrets already ({', '.join(present)}); remove the folder to make all of them anew")
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        # Containers run as other users and read them through a mount; nobody else can list the folder.
        path.write_text(text, "utf-8")
        path.chmod(0o444)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "secrets")
