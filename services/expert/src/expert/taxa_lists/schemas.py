"""Bodies of taxa lists."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from expert.taxa_lists.state import Fate
from trapper_kit.text import Line, Name
from trapper_schemas.base import Change, Reply, Request, RowVersion

ListName = Annotated[Name, Field(max_length=200)]


class NewTaxaList(Request):
    """An empty list; its taxa are added afterwards."""

    name: ListName
    classification_project_id: UUID | None = Field(
        default=None, description="project that it belongs to; null makes a global one, which needs a site admin"
    )


class TaxaListChange(Change):
    """Only what is given changes."""

    name: ListName = ""


class NewTaxaListRow(Request):
    """A row of a table of names: a scientific name, or a key in a checklist."""

    scientific_name: Line | None = Field(default=None, min_length=2, max_length=200)
    checklist: Line | None = Field(default=None, min_length=1, max_length=40, description="such as gbif or col")
    key: Line | None = Field(default=None, min_length=1, max_length=200, description="the taxon's key in the checklist")

    @model_validator(mode="after")
    def _names_something(self) -> "NewTaxaListRow":
        if (self.checklist is None) != (self.key is None):
            raise ValueError("checklist and key are given together")
        if self.key is None and self.scientific_name is None:
            raise ValueError("a row needs a scientific_name, or a checklist and a key")
        return self


class NewTaxa(Request):
    """Taxa to add, from exactly one source."""

    rows: list[NewTaxaListRow] | None = Field(
        default=None, min_length=1, max_length=20_000, description="rows of a table; each is matched to a taxon"
    )
    algorithm_id: UUID | None = Field(default=None, description="a model, whose labels name the taxa")
    approved_in: UUID | None = Field(
        default=None, description="a classification project, whose approved observations name the taxa"
    )
    leave_out: bool = Field(
        default=False, description="whether rows that match no taxon or several are left out; else nothing is added"
    )
    dry_run: bool = False

    @model_validator(mode="after")
    def _has_one_source(self) -> "NewTaxa":
        if sum(source is not None for source in (self.rows, self.algorithm_id, self.approved_in)) != 1:
            raise ValueError("give exactly one of rows, algorithm_id and approved_in")
        return self


class TaxaListReply(Reply):
    id: UUID
    classification_project_id: UUID | None = Field(description="null for a global list")
    name: str
    taxon_count: int = Field(description="number of its taxa, from 0")
    fingerprint: str = Field(description="sha256 of the taxa: lists with equal content have equal fingerprints")
    created_at: datetime
    version: RowVersion


class ListedTaxonReply(Reply):
    """A taxon of a list."""

    id: UUID
    scientific_name: str
    rank: str | None = Field(description="such as species; null where it is not known")
    provisional: bool = Field(description="added by a person or a model, and in no checklist yet")


class TaxaListRowReply(Reply):
    """What a row came to."""

    row: int = Field(description="position among the given rows, from 0")
    fate: Fate = Field(description="`matched`, `synonym` of the taxon, `unknown`, or `ambiguous` between several")
    taxon_id: UUID | None = Field(description="the accepted taxon; null for a row that means none or several")
    scientific_name: str | None = Field(description="that of the accepted taxon")


class AddedTaxaReply(Reply):
    """What was added, or would be on a dry run."""

    items: list[TaxaListRowReply] = Field(description="one per given row; empty for other sources")
    found: int = Field(description="number of different taxa that were found, from 0")
    added: int = Field(description="number of taxa that were not in the list before, from 0; 0 on a dry run")
