"""A fresh database per test, copied from a template that the real migrations built once per test process."""

import asyncio
from itertools import count

import asyncpg
from alembic import command

from migrations.run import config
from trapper_cli.servers.postgres import EmbeddedPostgres

_numbers = count(1)


class Databases:
    """Makes templates on demand and copies of them, on one embedded server."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self._templates: set[str] = set()

    async def fresh(self, service: str) -> str:
        """The address of a new database with every migration of the service applied."""
        if service not in self._templates:
            await asyncio.to_thread(self._build, service)
            self._templates.add(service)
        name = f"{service}_{next(_numbers)}"
        await self._administrate(f'create database "{name}" template "template_{service}"')
        return self.server.url(name)

    async def drop(self, url: str) -> None:
        """Remove a database, whoever is connected."""
        name = url.rsplit("/", 1)[1]
        await self._administrate(f'drop database if exists "{name}" with (force)')

    def _build(self, service: str) -> None:
        name = f"template_{service}"
        self.server.create_database(name)
        if service == "expert":
            self.server.sql("create extension if not exists vector", name)
        command.upgrade(config(service, self.server.url(name)), "head")

    async def _administrate(self, statement: str) -> None:
        connection = await asyncpg.connect(self.server.url("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
