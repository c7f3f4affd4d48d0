"""The base of the requests and replies that are generated from the contract."""

from pydantic import ConfigDict

from trapper_schemas.base import Reply


class ContractModel(Reply):
    """A model whose validator is built at its first use: a command uses few of the contract's."""

    model_config = ConfigDict(defer_build=True)
