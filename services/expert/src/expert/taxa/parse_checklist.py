"""Reads the taxa of a checklist: Darwin Core or flat tables as CSV or TSV, also in a zip; pure, and row by row."""

import csv
import io
import zipfile
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from expert.taxa.errors import ChecklistUnreadable
from expert.taxa.resolve import canonical
from expert.taxa.state import RANKS, TaxonRank

_COLUMNS = {
    "key": ("taxonid", "gbifkey", "key", "usagekey", "colid", "id"),
    "parent_key": ("parentnameusageid", "parentkey", "parentid"),
    "accepted_key": ("acceptednameusageid", "acceptedkey", "acceptedusagekey", "acceptedid"),
    "scientific_name": ("scientificname", "canonicalname", "name"),
    "canonical_name": ("canonicalname",),
    "rank": ("taxonrank", "rank"),
}
"""Headings of each field in lower case without prefix, spaces and underscores; the first one that is there counts."""
_VERNACULAR = ("vernacularname", "commonname")
_HIGHER = RANKS[: RANKS.index(TaxonRank.SPECIES)]
_LANGUAGES = {
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "por": "pt", "ita": "it", "pol": "pl",
    "nld": "nl", "dut": "nl", "swe": "sv", "nor": "no", "dan": "da", "fin": "fi", "ces": "cs", "cze": "cs", "rus": "ru",
    "ukr": "uk", "jpn": "ja", "zho": "zh", "chi": "zh",
}  # fmt: skip
"""Three-letter codes of languages that have one of two letters."""
_LONGEST = 500
LARGEST_TABLE_BYTES = 8 << 30
"""Of a table in a zip, unpacked; the tables of GBIF and the Catalogue of Life have about 2 GiB."""


@dataclass(frozen=True)
class ChecklistRow:
    """A taxon of the checklist; `number` is its line, `higher` its ancestors by name, highest first."""

    number: int
    key: str
    scientific_name: str
    canonical_name: str
    rank: str | None
    parent_key: str | None = None
    accepted_key: str | None = None
    higher: tuple[tuple[str, str], ...] = ()
    vernacular_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VernacularRow:
    """A vernacular name of the taxon with a key."""

    number: int
    key: str
    language: str
    name: str


@dataclass(frozen=True)
class RefusedRow:
    """A row that is left out, and why."""

    number: int
    reason: str


Row = ChecklistRow | VernacularRow | RefusedRow


def parse_checklist(file: IO[bytes]) -> Iterator[Row]:
    """Each row of the taxon table, then of the vernacular table of a zip; raises ChecklistUnreadable."""
    if not zipfile.is_zipfile(file):
        file.seek(0)
        with _table(file) as (places, rows):
            yield from _taxa(places, rows)
        return
    try:
        with zipfile.ZipFile(file) as archive:
            tables = {name.rpartition("/")[2].lower(): name for name in archive.namelist()}
            taxa = _member(tables, ("taxon", "taxa", "classification"))
            if taxa is None and len(tables) == 1:
                taxa = next(iter(tables.values()))
            if taxa is None:
                raise ChecklistUnreadable("the zip has no table of taxa; it is called Taxon.tsv or taxa.csv")
            with _open_table(archive, taxa) as member, _table(member) as (places, rows):
                yield from _taxa(places, rows)
            vernacular = _member(tables, ("vernacularname", "vernacularnames", "vernacular"))
            if vernacular is not None:
                with _open_table(archive, vernacular) as member, _table(member) as (places, rows):
                    yield from _vernacular(places, rows)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as problem:
        raise ChecklistUnreadable(f"the zip cannot be read: {problem}") from None


def _open_table(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    size = archive.getinfo(name).file_size  # no more than so many bytes are unpacked
    if size > LARGEST_TABLE_BYTES:
        raise ChecklistUnreadable(f"{name} has {size:,} bytes unpacked; a table has at most {LARGEST_TABLE_BYTES:,}")
    return archive.open(name)


def _member(tables: Mapping[str, str], stems: tuple[str, ...]) -> str | None:
    names = (f"{stem}.{ending}" for stem in stems for ending in ("tsv", "txt", "csv", "tab"))
    return next((tables[name] for name in names if name in tables), None)


@contextmanager
def _table(file: IO[bytes]) -> Generator[tuple[dict[str, int], Iterator[tuple[int, list[str]]]]]:
    """The place of each heading, and the numbered rows below; the file stays open."""
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    heading = text.readline(1 << 16)
    delimiter = "\t" if "\t" in heading else ";" if ";" in heading and "," not in heading else ","
    plain = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL  # quotes in Darwin Core archives are letters
    headings = next(csv.reader([heading], delimiter=delimiter, quoting=plain), [])
    places: dict[str, int] = {}
    for place, name in enumerate(headings):
        short = name.strip().rpartition(":")[2].rpartition("/")[2].lower().replace("_", "").replace(" ", "")
        places.setdefault(short, place)
    reader = csv.reader(text, delimiter=delimiter, quoting=plain)

    def rows() -> Iterator[tuple[int, list[str]]]:
        try:
            for cells in reader:
                if cells:
                    yield reader.line_num + 1, cells
        except csv.Error as problem:
            raise ChecklistUnreadable(f"line {reader.line_num + 1}: {problem}") from None

    try:
        yield places, rows()
    finally:
        text.detach()


def _taxa(places: Mapping[str, int], rows: Iterator[tuple[int, list[str]]]) -> Iterator[Row]:
    columns = {name: next((places[each] for each in known if each in places), None) for name, known in _COLUMNS.items()}
    if columns["key"] is None or columns["scientific_name"] is None:
        raise ChecklistUnreadable("the table needs a column taxonID and a column scientificName")
    higher = [(rank, places[rank.value]) for rank in _HIGHER if rank.value in places]
    vernacular = next((place for name, place in places.items() if name.endswith(_VERNACULAR)), None)
    language = places.get("language")
    for number, cells in rows:
        values = {name: _cell(cells, place) for name, place in columns.items()}
        names = [(rank.value, _cell(cells, place)) for rank, place in higher]
        common, spoken = _cell(cells, vernacular), _language(_cell(cells, language))
        if (reason := _refused(values, [*values.values(), *(name for _, name in names), common])) is not None:
            yield RefusedRow(number, reason)
            continue
        scientific, rank = values["scientific_name"], values["rank"].lower() or None
        short = values["canonical_name"] or canonical(scientific)
        yield ChecklistRow(
            number,
            key=values["key"],
            scientific_name=scientific,
            canonical_name=short,
            rank=rank,
            parent_key=_other(values["parent_key"], values["key"]),
            accepted_key=_other(values["accepted_key"], values["key"]),
            higher=() if values["parent_key"] else _above(names, rank, short),
            vernacular_names={spoken: common} if common else {},
        )


def _vernacular(places: Mapping[str, int], rows: Iterator[tuple[int, list[str]]]) -> Iterator[Row]:
    key, name = places.get("taxonid"), places.get("vernacularname")
    if key is None or name is None:
        raise ChecklistUnreadable("the table of vernacular names needs the columns taxonID and vernacularName")
    for number, cells in rows:
        values = {"key": _cell(cells, key), "scientific_name": _cell(cells, name)}
        if (reason := _refused(values, list(values.values()))) is not None:
            yield RefusedRow(number, f"vernacular names: {reason}")
        else:
            language = _language(_cell(cells, places.get("language")))
            yield VernacularRow(number, values["key"], language, values["scientific_name"])


def _cell(cells: list[str], place: int | None) -> str:
    return cells[place].strip() if place is not None and place < len(cells) else ""


def _refused(values: Mapping[str, str], texts: list[str]) -> str | None:
    if not values["key"]:
        return "the key is empty"
    if not values["scientific_name"]:
        return "the name is empty"
    if any(len(text) > _LONGEST for text in texts):
        return f"a cell is longer than {_LONGEST} characters"
    if not all(text.isprintable() for text in texts):
        return "a cell is not UTF-8, or has control characters"
    return None


def _other(key: str, own: str) -> str | None:
    return key if key and key != own else None


def _above(names: list[tuple[str, str]], rank: str | None, own: str) -> tuple[tuple[str, str], ...]:
    """Without empty ranks, the taxon itself, and ranks that are not above it."""
    below = [each.value for each in RANKS]
    end = below.index(rank) if rank in below else len(below)
    return tuple((each, name) for each, name in names if name and name != own and below.index(each) < end)


def _language(code: str) -> str:
    lowered = code.strip().lower()
    return _LANGUAGES.get(lowered, lowered) or "en"
