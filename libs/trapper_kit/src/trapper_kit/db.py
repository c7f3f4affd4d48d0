"""The database: naming and types decided once, one transaction per unit of work, messages after the commit."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import DateTime, Enum, MetaData, Text, Uuid, event, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.types import JSON, TypeDecorator, TypeEngine

Session = AsyncSession
"""Inside one transaction; feature code never commits."""

__all__ = [
    "REFUSED_BY_DATABASE",
    "Database",
    "DatabaseUnavailable",
    "IntegrityError",
    "Session",
    "TaskMessage",
    "db_clock",
    "enqueue_after_commit",
    "is_away",
    "metadata",
    "refused_text",
]

Model = TypeVar("Model", bound=BaseModel)
NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}
DatabaseUnavailable = (DBAPIError, OSError, PoolTimeout)
_refused_data: tuple[type[Exception], ...] = ()
_refused_text_types: tuple[type[Exception], ...] = (UnicodeEncodeError,)
_away: tuple[type[Exception], ...] = (ConnectionError, TimeoutError, PoolTimeout)
with suppress(ImportError):  # a worker, whose rows are in a file of its own, is installed without PostgreSQL's client
    import asyncpg

    _refused_data = (asyncpg.DataError,)
    _refused_text_types += (
        asyncpg.CharacterNotInRepertoireError,
        asyncpg.UntranslatableCharacterError,
        asyncpg.InvalidTextRepresentationError,  # of a JSON document with half a character in it
    )
    _away += (
        asyncpg.PostgresConnectionError,
        asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError,
        asyncpg.CannotConnectNowError,
        asyncpg.InternalClientError,  # the server ended the session while nothing was asked, and then something was
    )
REFUSED_BY_DATABASE = (DBAPIError, UnicodeEncodeError, *_refused_data)
"""What a statement raises that was refused, by a session or directly."""
CONNECT_SECONDS = 10
SILENCE_SECONDS = 5.0
"""After the server's own limit: then nothing will come any more."""


def is_away(error: BaseException) -> bool:
    """Whether the database, or the way to it, is gone: asking again may help, and it was nobody's fault who asked."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, _away):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error.__cause__
    return cause is not None and is_away(cause)


def refused_text(error: BaseException | None) -> bool:
    """Whether a statement failed over a text that PostgreSQL cannot hold: one with a NUL character, or half of one."""
    while error is not None and not isinstance(error, _refused_text_types):
        error = error.__cause__
    return error is not None


def metadata() -> MetaData:
    """A service's metadata, with names for every constraint."""
    return MetaData(naming_convention=NAMING)


def state_type(states: type[StrEnum], *, name: str | None = None) -> Enum:
    """An enum as text with a check: values are stored, not names, and adding one is an ordinary migration.

    `name` is the end of the check's name, without it the class's name in lower case.
    """
    return Enum(
        states,
        native_enum=False,
        create_constraint=True,
        length=40,
        values_callable=lambda members: [member.value for member in members],
        name=name or states.__name__.lower(),
    )


class _Document(TypeDecorator[Model]):
    """A pydantic model that is stored as a JSON document, and validated when it is read."""

    impl = JSON
    cache_ok = True

    def __init__(self, model: type[Model]) -> None:
        super().__init__()
        self.model = model

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(JsonDocument)

    def process_bind_param(self, value: Model | None, dialect: Dialect) -> Any:  # noqa: ARG002 - an inherited signature
        return None if value is None else value.model_dump(mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> Model | None:  # noqa: ARG002 - as above
        return None if value is None else self.model.model_validate(value)


def document_type(model: type[Model]) -> TypeDecorator[Model]:
    """The type of a column that holds one pydantic model as a JSON document."""
    return _Document(model)


JsonDocument = JSON().with_variant(JSONB(), "postgresql")
TYPES: Mapping[Any, TypeEngine[Any]] = {
    datetime: DateTime(timezone=True),
    str: Text(),
    UUID: Uuid(),
    dict[str, Any]: JsonDocument,
    dict[str, str]: JsonDocument,
    list[str]: JsonDocument,
    list[Any]: JsonDocument,
}


def db_clock() -> Any:
    """The database's own clock, read while the statement runs (not when the transaction began)."""
    return func.clock_timestamp()


@dataclass(frozen=True)
class TaskMessage:
    """A message to an actor of this service, sent once the transaction is committed."""

    actor: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


class TaskSender(Protocol):
    """Sends task messages to this service's queue."""

    def __call__(self, messages: Sequence[TaskMessage]) -> None:
        """Send the messages soon, or drop them: never waits, never raises; a sweep finds the rows anyway."""
        ...


def enqueue_after_commit(db: Session, actor: str, **arguments: Any) -> None:
    """Send a message to an actor of this service after the commit; a rollback drops it with the rows."""
    messages: list[TaskMessage] = db.info.setdefault("messages", [])
    message = TaskMessage(
        actor, {name: str(value) if isinstance(value, UUID) else value for name, value in arguments.items()}
    )
    if message not in messages:
        messages.append(message)


async def notify(db: Session, channel: str, count: int = 1) -> None:
    """Wake up to `count` waiters of a channel, in whatever process, once the transaction is committed."""
    await db.execute(text("select pg_notify(:channel, :count)"), {"channel": channel, "count": str(count)})


def discard_messages(messages: Sequence[TaskMessage]) -> None:
    """Drops the messages: for a process without a queue, whose rows the sweeps find."""


def asyncpg_url(url: str) -> str:
    """Any PostgreSQL address as one for asyncpg."""
    scheme, rest = url.split("://", 1)
    return f"postgresql+asyncpg://{rest}" if scheme in {"postgres", "postgresql", "postgresql+asyncpg"} else url


class ConnectionSilent(ConnectionError):  # noqa: N818 - named after what is the case
    """The database did not answer in time; whether the statement ran cannot be known."""


def _give_up_when_silent(context: ExceptionContext) -> BaseException | None:
    """No answer in time: the connection is thrown away, since asking it to roll back would wait for ever."""
    if not isinstance(context.original_exception, TimeoutError):
        return None
    context.is_disconnect = True
    return ConnectionSilent("the database did not answer in time")


def _prepare_file(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=on"):
        cursor.execute(f"pragma {pragma}")
    cursor.close()


class Database:
    """An engine with its session scope."""

    def __init__(self, engine: AsyncEngine, *, task_sender: TaskSender = discard_messages) -> None:
        self.engine = engine
        self.task_sender = task_sender
        self._sessions = async_sessionmaker(engine, expire_on_commit=False, autoflush=False)

    @classmethod
    def connect(cls, url: str, *, pool_size: int = 5, statement_timeout_seconds: float = 30.0) -> "Database":
        """A pool of connections to PostgreSQL; every statement has a time limit, on both sides.

        The server ends what takes too long, and transactions whose client fell silent; the client gives up a
        connection on which nothing came back, which behind a router that forgot it is for ever.
        """
        limit = str(int(statement_timeout_seconds * 1000))
        engine = create_async_engine(
            asyncpg_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            json_serializer=lambda value: json.dumps(value, ensure_ascii=False, default=str),
            connect_args={
                "server_settings": {"statement_timeout": limit, "idle_in_transaction_session_timeout": limit},
                "command_timeout": statement_timeout_seconds + SILENCE_SECONDS,
                "timeout": CONNECT_SECONDS,
            },
        )
        event.listen(engine.sync_engine, "handle_error", _give_up_when_silent)
        return cls(engine)

    @classmethod
    def open_file(cls, path: Path, *, busy_seconds: float = 10.0) -> "Database":
        """A SQLite file that one process writes: one connection, so that transactions stand in line; WAL, durable."""
        engine = create_async_engine(
            f"sqlite+aiosqlite:///{path}",
            pool_size=1,
            max_overflow=0,
            json_serializer=lambda value: json.dumps(value, ensure_ascii=False, default=str),
            connect_args={"timeout": busy_seconds},
        )

        event.listen(engine.sync_engine, "connect", _prepare_file)
        return cls(engine)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Session, None]:
        """Begin, commit, then send the collected messages; an error rolls back and drops them."""
        async with self._sessions() as db, db.begin():
            yield db
            messages: list[TaskMessage] = db.info.pop("messages", [])
        if messages:
            self.task_sender(messages)

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[AsyncConnection, None]:
        """A connection in autocommit mode, for locks that outlive transactions."""
        async with self.engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def check(self) -> None:
        """Raises DatabaseUnavailable when it does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("select 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    def enqueue_soon(self, *messages: TaskMessage) -> None:
        """Send messages of what another transaction has committed."""
        self.task_sender(messages)


async def try_advisory_lock(connection: AsyncConnection, name: str) -> bool:
    """Take the session-wide lock of this name, or say that another process has it."""
    statement = text("select pg_try_advisory_lock(hashtextextended(:name, 0))")
    return bool((await connection.execute(statement, {"name": name})).scalar_one())


async def end_session_when_silent(connection: AsyncConnection, *, seconds: float) -> None:
    """Have the server end this session, and every lock of it, after so many seconds without a statement."""
    limit = str(int(seconds * 1000))
    await connection.execute(text("select set_config('idle_session_timeout', :limit, false)"), {"limit": limit})


async def still_connected(connection: AsyncConnection) -> None:
    """Raises when the connection, and with it every lock, is gone."""
    await connection.execute(text("select 1"))
