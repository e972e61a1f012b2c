"""Lists of a million contacts: how fast they are imported, and how much memory that takes.

The import runs in a process of its own, so that its peak of resident memory is its own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

from controller.domain.campaign import Campaign
from controller.domain.ids import CampaignId
from controller.domain.privacy import NumberKey
from controller.engine.importing import import_contacts
from controller.errors import ControllerError
from controller.law import IT_GARANTE_2014
from controller.store.records import SqlRecords

ROWS: Final = 1_000_000
MEMORY_LIMIT: Final = 300
"""MiB of resident memory at most."""
_TIMEOUT: Final = 3600.0
_REJECTED: Final = 100
"""One row in so many is bad, and one is a duplicate."""
_HEADERS: Final = ("Cellulare", "Casa", "Nome", "Cognome", "Comune", "CAP", "E-mail", "Note")
_CAMPAIGN: Final = CampaignId("bench")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One import.

    Attributes:
        kind: ``CSV`` or ``XLSX``.
        megabytes: size of the file.
        seconds: from opening the file to the import's end, all of it durable; ``cpu``: of the processor, too.
        peak: MiB of resident memory at most; ``before``: when the import began.
        database: megabytes of the record store afterwards.
    """

    kind: str
    rows: int
    stored: int
    rejected: int
    megabytes: float
    seconds: float
    cpu: float
    before: float
    peak: float
    database: float

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds

    @property
    def shortcomings(self) -> list[str]:
        """Which goals were missed; empty if none."""
        found = [] if self.peak < MEMORY_LIMIT else [f"{self.kind}: {self.peak:.0f} MiB"]
        if self.rows != self.stored + self.rejected:
            found.append(f"{self.kind}: {self.rows - self.stored - self.rejected} rows were lost")
        return found

    def line(self) -> str:
        """The answer, in one line."""
        return (
            f"{self.kind:<5} {self.rows:,} rows ({self.megabytes:.0f} MB) in {self.seconds:.0f} s "
            f"({self.cpu:.0f} s of CPU): {self.rate:,.0f} rows/s, "
            f"{self.peak:.0f} MiB at most ({self.before:.0f} before; goal: below {MEMORY_LIMIT}), "
            f"{self.stored:,} stored, {self.rejected:,} rejected, database {self.database:.0f} MB"
        )


def summary(measured: list[Imported]) -> list[str]:
    """The answers, one a line."""
    missed = [text for each in measured for text in each.shortcomings]
    verdict = f"import: goal missed: {'; '.join(missed)}" if missed else "import: goals met"
    return [*(each.line() for each in measured), verdict]


async def measure(rows: int = ROWS) -> list[Imported]:
    """Make lists of this many rows, as CSV and as a spreadsheet, and import each into a store of its own.

    Raises:
        ControllerError: an import failed.
    """
    found = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for kind, write in (("CSV", write_csv), ("XLSX", write_xlsx)):
            file = Path(folder) / f"list.{kind.lower()}"
            await asyncio.to_thread(write, file, rows)
            found.append(await _in_a_process(kind, file))
            file.unlink()
    return found


async def _in_a_process(kind: str, file: Path) -> Imported:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.importing", kind, str(file), stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_TIMEOUT):
            out, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise ControllerError(f"the import of {kind} ended with {process.returncode}")
    return Imported(**json.loads(out))


def as_dict(measured: list[Imported]) -> dict[str, Any]:
    """For machines."""
    return {each.kind: asdict(each) | {"rate": each.rate} for each in measured}


# --- the lists


def _rows(count: int) -> Iterator[tuple[str, ...]]:
    """Rows as of a real list: two numbers, names, a town, now and then a row that is bad or there twice."""
    for i in range(count):
        number = f"3{30 + i % 60}{i:07d}"
        if i % _REJECTED == 50:
            number = "347"
        elif i % _REJECTED == 99:
            number = f"3{30 + (i - 1) % 60}{i - 1:07d}"
        home = f"02{i:08d}" if i % 3 == 0 else ""
        yield (
            number, home, f"Nome{i % 5000}", f"Cognome{i % 20011}", f"Comune {i % 7900}", f"{i % 98000:05d}",
            f"persona{i}@example.org" if i % 2 else "", f"cliente n. {i}",
        )  # fmt: skip


def write_csv(path: Path, count: int) -> None:
    """A list as CSV."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write(";".join(_HEADERS) + "\n")
        stream.writelines(";".join(row) + "\n" for row in _rows(count))


def write_xlsx(path: Path, count: int) -> None:
    """A list as Excel writes it: texts as shared strings, each once; numbers as numbers."""
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    texts: dict[str, int] = {}

    def cell(value: str) -> str:
        if value.isdecimal() and value[0] != "0":
            return f"<c><v>{value}</v></c>"
        return f'<c t="s"><v>{texts.setdefault(value, len(texts))}</v></c>' if value else "<c/>"

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns:r="{relation}"><sheets><sheet name="S" r:id="s"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships><Relationship Id="s" Type="{relation}/worksheet" Target="sheet.xml"/>'
            f'<Relationship Id="t" Type="{relation}/sharedStrings" Target="strings.xml"/></Relationships>',
        )
        with archive.open("xl/sheet.xml", "w", force_zip64=True) as stream:
            stream.write(b"<worksheet><sheetData>")
            for row in chain([_HEADERS], _rows(count)):
                stream.write(f"<row>{''.join(map(cell, row))}</row>".encode())
            stream.write(b"</sheetData></worksheet>")
        with archive.open("xl/strings.xml", "w", force_zip64=True) as stream:
            stream.write(b"<sst>")
            for text in texts:
                stream.write(f"<si><t>{text}</t></si>".encode())
            stream.write(b"</sst>")


# --- in the process that imports


def _peak() -> float:
    # Not getrusage: that also counts what the process had that this one was forked from.
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:"))) / 1024


def _megabytes(path: Path) -> float:
    return path.stat().st_size / 1e6


async def _import(kind: str, file: Path) -> Imported:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        store = Path(folder) / "records.db"
        key = NumberKey(bytes(range(32)))
        async with SqlRecords(f"sqlite+aiosqlite:///{store}", timeout=10, number_key=key) as records:
            await records.save_campaign(Campaign(id=_CAMPAIGN, caller="Acme S.p.A.", law=IT_GARANTE_2014))
            before, began, worked = _peak(), time.perf_counter(), time.process_time()
            report = await import_contacts(
                file, _CAMPAIGN, records, rejects_path=Path(folder) / "rejects.csv"
            )
            seconds, cpu = time.perf_counter() - began, time.process_time() - worked
        return Imported(
            kind=kind,
            rows=report.rows,
            stored=report.stored,
            rejected=report.rejected,
            megabytes=_megabytes(file),
            seconds=seconds,
            cpu=cpu,
            before=before,
            peak=_peak(),
            database=_megabytes(store),
        )


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_import(sys.argv[1], Path(sys.argv[2]))))))
