"""The Manager, as seen from here: one method per route, and one client per Manager that is kept open."""

from collections.abc import Sequence
from typing import Any

from trapper_kit.http_client import HttpClient, Network
from trapper_schemas.paging import Page
from trapper_schemas.v1.models import ModelReply

PROTOCOL = "1"
PAGE_LIMIT = 200


class ManagerClient:
    """One Manager under one credential."""

    def __init__(self, url: str, token: str, *, allowed: Sequence[Network] = (), transport: Any = None) -> None:
        self.http = HttpClient(
            url, token, allowed=allowed, headers={"Trapper-Protocol": PROTOCOL}, transport=transport
        )

    async def models(self) -> list[ModelReply]:
        """The whole catalogue."""
        found: list[ModelReply] = []
        cursor: str | None = None
        while True:
            params = {"limit": PAGE_LIMIT} | ({"cursor": cursor} if cursor else {})
            response = await self.http.request("GET", "/api/models/", params=params)
            page = Page[ModelReply].model_validate_json(response.content)
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def close(self) -> None:
        """Give the connections back."""
        await self.http.close()


class Managers:
    """Every Manager that this process talks to."""

    def __init__(self, allowed: Sequence[Network] = (), transport: Any = None) -> None:
        self._allowed = allowed
        self._transport = transport
        self._clients: dict[tuple[str, str], ManagerClient] = {}

    def client(self, url: str, token: str) -> ManagerClient:
        """The open client of this address and credential."""
        if (url, token) not in self._clients:
            self._clients[url, token] = ManagerClient(url, token, allowed=self._allowed, transport=self._transport)
        return self._clients[url, token]

    async def close(self) -> None:
        """Close them all."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()
