"""The systemd unit that runs this worker: restarted when it fails, watched, and confined."""

from pathlib import Path

from ai_worker.settings import Intervals

_LEAVE_SECONDS = 60
"""For delivering and for the inference processes, beside the grace."""
_UNIT = """\
[Unit]
Description=TRAPPER AI Worker
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
NotifyAccess=main
User={user}
StateDirectory=trapper-worker
StateDirectoryMode=0700
Environment=AI_WORKER_STATE_DIR=/var/lib/trapper-worker
EnvironmentFile=-/etc/trapper/ai_worker.env
ExecStart={python} -m ai_worker.commands run --host 127.0.0.1 --port {port}
# The first inference process may have to build an engine for its accelerator.
TimeoutStartSec=600
# A sign of life comes only while every loop turns.
WatchdogSec=120
# SIGTERM goes to the worker alone, which ends its inference processes itself; {grace} s of grace, then some to deliver.
KillMode=mixed
TimeoutStopSec={stop}
Restart=on-failure
RestartSec=10
# 2 is wrong usage or settings: trying again helps nobody. 75: results wait for the next start. 143: two signals.
RestartPreventExitStatus=2
SuccessExitStatus=75 143

# The accelerator's device files, user namespaces for trying models, and memory that is written and run (compilers of
# accelerators) stay possible; all else that this service does not need is taken away.
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
LockPersonality=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
UMask=0077

[Install]
WantedBy=multi-user.target
"""


def unit(*, python: Path, user: str, port: int) -> str:
    """The text of `trapper-worker.service`."""
    grace = round(float(Intervals().grace))
    return _UNIT.format(python=python, user=user, port=port, grace=grace, stop=grace + _LEAVE_SECONDS)
