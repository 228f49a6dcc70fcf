"""The record of a study: row schema, writer and reader.

    study.json          the scenario as data, with digests       environment.json   versions, hardware, threads, git
    participants.tsv    individual, group, seed, status          measurements.jsonl one row per measured value
    steps.jsonl         one row per lived step                   dictionary.json    every column: type, unit, meaning
    contrasts.jsonl     one row per value measured between two lives, where the study asks for some
    *.jsonl.gz          instead of a table, where a record is kept small
    checksums.json      a checksum of each of these files
    examples/*.parquet  one row per example and evaluation, where a probe of that kind (`Outputs`) was asked for

Rows are assembled from the store in the study's own order, so they do not depend on when or in which order lives were
lived.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifespan import names, notebook
from lifespan.errors import RecordError
from lifespan.reading import plain_bytes, read_object, reading
from lifespan.record import untrusted
from lifespan.record.examples import read_parquet

if TYPE_CHECKING:
    import pandas

MEASUREMENT_COLUMNS: dict[str, tuple[str, str, str]] = {
    "study": ("text", "", "name of the study"),
    "group": ("text", "", "name of the group"),
    "individual": ("integer", "", "number of the individual inside its group, from 0; equal numbers are twins"),
    "seed": ("integer", "", "the individual's random seed"),
    "step": ("integer", "", "position of the event in the life, 0 is birth; probes take the position they look at"),
    "age": ("integer", "optimizer steps", "optimizer steps lived when the value was measured"),
    "stage": ("text", "", "the event last lived, in words"),
    "probe": ("text", "", "what measured: a probe, or Training (the loop itself), or Injury/<disorder>"),
    "task": ("text", "", "task concerned, empty for none"),
    "split": ("text", "", "split of the task's data, empty for none"),
    "metric": ("text", "", "what was measured; each probe documents its metrics"),
    "value": ("number or null", "of the metric", "the value; null where the metric is not defined"),
    "n": ("integer", "", "examples or synapses behind the value"),
}
STEP_COLUMNS: dict[str, tuple[str, str, str]] = {
    "study": ("text", "", "name of the study"),
    "group": ("text", "", "name of the group"),
    "individual": ("integer", "", "number of the individual inside its group, from 0"),
    "seed": ("integer", "", "the individual's random seed"),
    "step": ("integer", "", "position of the event in the life, 0 is birth"),
    "digest": ("text", "", "names this history; equal digests are one node, lived once"),
    "parent": ("text or null", "", "digest of the step before"),
    "stage": ("text", "", "the event in words"),
    "kind": ("text", "", "the event's class"),
    "status": ("text", "", "done, pending, diverged or failed"),
    "age": ("integer", "optimizer steps", "optimizer steps lived at the end of the step"),
    "optimizer_steps": ("integer", "optimizer steps", "taken by this step"),
    "examples": ("integer", "examples", "training examples seen by this step"),
    "tokens": ("integer", "tokens", "training tokens seen by this step, padding not counted"),
    "bytes": ("integer or null", "bytes", "new tensors that the step added to the store; null where it was not counted"),
    "seconds": ("number", "s", "wall time of the step, looks not included; not reproducible"),
    "look_seconds": ("number", "s", "wall time of all looks at the step, and inside it; not reproducible"),
    "shared": ("boolean", "", "true where an earlier life of the record already lived this node"),
    "version": ("text or null", "", "version of lifespan that lived the step; null where that was not stored yet"),
    "python": ("text or null", "", "version of Python"),
    "torch": ("text or null", "", "version of torch"),
    "transformers": ("text or null", "", "version of transformers"),
    "tokenizers": ("text or null", "", "version of tokenizers"),
    "numpy": ("text or null", "", "version of numpy"),
    "cpu": ("text or null", "", "model of the processor"),
    "cores": ("integer or null", "", "cores that the process could use"),
    "device": ("text or null", "", "cpu, cuda or cuda:N"),
    "gpu": ("text or null", "", "model of the GPU, where one was used"),
    "threads": ("integer or null", "", "threads of torch; rows are the same bit for bit at equal threads alone"),
    "precision": ("text or null", "", "fp32 or bf16"),
    "lived_at": ("text or null", "", "when the step was finished, ISO 8601 in UTC; not reproducible"),
    "evaluated_by": ("text or null", "", "versions and threads of evaluations of the step that others made than lived it"),
}
MADE = {
    "version": "lifespan",
    **{
        name: name
        for name in [
            "python",
            "torch",
            "transformers",
            "tokenizers",
            "numpy",
            "cpu",
            "cores",
            "device",
            "gpu",
            "threads",
            "precision",
        ]
    },
    "lived_at": "time",
}
"""Columns of steps that say who lived a step, and under which name it stores each."""
CONTRAST_COLUMNS: dict[str, tuple[str, str, str]] = {
    "study": ("text", "", "name of the study"),
    "group": ("text", "", "group of the life named first"),
    "individual": ("integer", "", "number of its individual"),
    "seed": ("integer", "", "its random seed"),
    "other_group": ("text", "", "group of the life that it is compared with"),
    "other_individual": ("integer", "", "number of that individual"),
    "other_seed": ("integer", "", "that individual's random seed"),
    "pairs": ("text", "", "twins or individuals: why these two are compared"),
    "step": ("integer", "", "position of the first life's event after which it is compared"),
    "age": ("integer", "optimizer steps", "optimizer steps that the first life had lived by then"),
    "other_step": ("integer", "", "position of the other life's event"),
    "other_age": ("integer", "optimizer steps", "optimizer steps that the other life had lived by then"),
    "probe": ("text", "", "the contrast that measured"),
    "task": ("text", "", "task concerned, empty for none"),
    "split": ("text", "", "split of the task's data, empty for none"),
    "metric": ("text", "", "what was measured; each contrast documents its metrics"),
    "value": ("number or null", "of the metric", "the value; null where the metric is not defined"),
    "n": ("integer", "", "examples or synapses behind the value"),
}
RUN_COLUMN = ("text", "", "run directory that the row comes from")
FLAT = ("measurements.jsonl", "steps.jsonl", "contrasts.jsonl")
"""Tables whose cells are text, numbers, truth values or nothing."""

EXAMPLE_COLUMNS: dict[str, tuple[str, str, str]] = {
    "group": ("text", "", "name of the group"),
    "individual": ("integer", "", "number of the individual inside its group, from 0"),
    "seed": ("integer", "", "the individual's random seed"),
    "step": ("integer", "", "position of the event in the life, 0 is birth"),
    "age": ("integer", "optimizer steps", "optimizer steps lived when the outputs were taken"),
    "stage": ("text", "", "the event last lived, in words"),
}
TIDY_COLUMNS: dict[str, tuple[str, str, str]] = {
    "status": ("text", "", "how the individual's life ended: done, pending, diverged or failed"),
    "reason": ("text", "", "why it diverged or failed"),
    "kind": ("text", "", "class of the event last lived"),
    "sparsity": ("number or null", "", "fraction of dead synapses at that step, where it was measured"),
    "control": ("boolean", "", "whether the group is the one that others are compared with"),
}
PARTICIPANT_COLUMNS: dict[str, tuple[str, str, str]] = {
    "individual": ("text", "", "group and number"),
    "group": ("text", "", "name of the group"),
    "seed": ("integer", "", "the individual's random seed"),
    "status": ("text", "", "done, pending, diverged or failed"),
    "steps": ("integer", "events", "events lived, birth not counted"),
    "reason": ("text", "", "why a life diverged or failed"),
}


@dataclass(frozen=True)
class Record:
    """A run directory, read. Tables are pandas DataFrames with the columns of `dictionary.json`."""

    directory: Path
    study: Mapping[str, Any]
    environment: Mapping[str, Any]

    def measurements(self) -> pandas.DataFrame:
        """One row per measured value."""
        return self._lines("measurements.jsonl", MEASUREMENT_COLUMNS)

    def contrasts(self) -> pandas.DataFrame:
        """One row per value measured between two lives."""
        return self._lines("contrasts.jsonl", CONTRAST_COLUMNS)

    def examples(self, probe: str = "Outputs") -> pandas.DataFrame:
        """One row per example and evaluation of a probe that keeps outputs for every example; empty where there was none."""
        import pandas

        plain = probe.replace("/", "-")
        places = [
            self.directory / "examples" / f"{name}.parquet" for name in (names.file_name(probe), names.file_name(plain), plain)
        ]
        path = next((place for place in places if os.path.lexists(place)), None)
        return pandas.DataFrame(columns=list(EXAMPLE_COLUMNS)) if path is None else read_parquet(path, ANEW)

    def steps(self) -> pandas.DataFrame:
        """One row per step of every life."""
        return self._lines("steps.jsonl", STEP_COLUMNS)

    def dictionary(self) -> dict[str, Any]:
        """The record's data dictionary, as written when it was made; empty where it has none."""
        return _object(self.directory / "dictionary.json", optional=True)

    def participants(self) -> pandas.DataFrame:
        """One row per individual."""
        import pandas

        path = self.directory / "participants.tsv"
        if not os.path.lexists(path):
            return pandas.DataFrame(columns=list(PARTICIPANT_COLUMNS))
        texts = dict.fromkeys(("individual", "group", "status", "reason"), str)
        with reading(path, ANEW):
            text = io.BytesIO(plain_bytes(path))
            people = pandas.read_csv(text, sep="\t", keep_default_na=False, quoting=csv.QUOTE_NONE, dtype=texts)
            missing = [name for name in PARTICIPANT_COLUMNS if name not in people]
            if missing:
                raise RecordError(str(path), f"has no column {missing[0]!r}.", ANEW)
            return people.assign(**{name: people[name].map(self._named(name)) for name in ("individual", "group")})

    def _named(self, column: str) -> Callable[[str], str]:
        """From a name in participants.tsv to the study's own: earlier versions wrote every run of white space as one space."""
        known = self.study.get("groups" if column == "group" else "lives") or {}
        told: dict[str, list[str]] = {}
        for name in known:
            told.setdefault(" ".join(name.split()), []).append(name)
        return lambda name: told[name][0] if name not in known and len(told.get(name, ())) == 1 else name

    def tidy(self) -> pandas.DataFrame:
        """All measured values with what one needs to analyse them: `measurements` and the columns of `TIDY_COLUMNS`."""
        import pandas

        rows = self.measurements()
        steps = self.steps().drop_duplicates(["group", "individual", "step"])
        people = self.numbered()
        dead = rows[(rows["probe"] == "Sparsity") & (rows["metric"] == "sparsity") & (rows["task"] == "")]
        dead = dead.drop_duplicates(["group", "individual", "step"], keep="last").rename(columns={"value": "sparsity"})
        who = ["group", "individual"]
        table = rows.merge(people[[*who, "status", "reason"]], how="left", on=who)
        table = table.merge(steps[[*who, "step", "kind"]], how="left", on=[*who, "step"])
        table = table.merge(dead[[*who, "step", "sparsity"]], how="left", on=[*who, "step"])
        table = table.assign(control=table["group"] == self.control, sparsity=pandas.to_numeric(table["sparsity"]))
        return table[[*MEASUREMENT_COLUMNS, *TIDY_COLUMNS]]

    @property
    def control(self) -> str:
        """The group that others are compared with."""
        return str(self.study.get("control") or next(iter(self.study.get("groups", {})), ""))

    def _repr_html_(self) -> str:
        from lifespan.stats import inference as stats

        people, rows = self.participants(), self.measurements()
        counts = people.groupby(["group", "status"], sort=False).size().reset_index(name="count")
        counts_by_group = [f"{row['count']} {row['status']} in {row['group']}" for _, row in counts.iterrows()]
        notes = [str(self.directory), f"{len(rows):,} measured values", *counts_by_group[: notebook.SHOWN]]
        scores = rows[rows["probe"] == "Score"].dropna(subset=["value"])
        cells = []
        for (group, task), met in scores.groupby(["group", "task"], sort=False):
            metric = next(iter(self.study.get("tasks", {}).get(task, {}).get("metrics", [])), "")
            last = met[met["metric"] == metric].sort_values("step", kind="stable").groupby("individual")["value"].last()
            found = stats.mean_interval(last.to_numpy(), resamples=2000)
            between = f"{found.low:.3f} to {found.high:.3f}" if found.known else found.note
            cells.append((group, task, metric, f"{found.estimate:.3f}", between, found.n))
        columns = ("group", "task", "metric", "last score", "95% interval", "n")
        return notebook.heading(str(self.study.get("name", "")), notes) + notebook.table(columns, cells)

    def numbered(self) -> pandas.DataFrame:
        """`participants` with their numbers as `individual`, as in all other tables."""
        people = self.participants()
        try:
            seeds = people["seed"].astype("int64")
        except (OverflowError, ValueError):
            remedy = "Simulate with a smaller seed."
            raise RecordError(
                str(self.directory / "participants.tsv"), "has a seed that is no number below 2**63.", remedy
            ) from None
        return people.assign(individual=seeds - int(self.study.get("seed", 0)))

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The rows of a table of JSON lines as they stand there; a row's line is its place, counted from 1."""
        path, text = _text_of(self.directory / name)
        rows: list[dict[str, Any]] = []
        # Only this ends a line here: names and reasons may hold what Unicode counts as a line end, too.
        for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), 1):
            try:
                row = json.loads(line)
                if "\\ud" in line or "\\uD" in line:
                    # Half a pair of surrogates is no character, and no file could hold it.
                    json.dumps(row, ensure_ascii=False).encode()
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict):
                raise RecordError(f"{path}, line {number}", "is not a JSON row.", ANEW)
            if name in FLAT and any(isinstance(cell, list | dict) for cell in row.values()):
                raise RecordError(f"{path}, line {number}", "is not a row of plain cells.", ANEW)
            rows.append(row)
        return rows

    def _lines(self, name: str, columns: Mapping[str, Any]) -> pandas.DataFrame:
        import pandas

        with reading(self.directory / name, ANEW):
            frame = pandas.DataFrame(self.lines(name), columns=list(columns))
            for column, (kind, *_) in columns.items():
                untrusted.check_column(frame[column], kind, f"{self.directory / name}, {column}")
            if "value" in frame:
                frame["value"] = frame["value"].astype(float)
        return frame


def read(directory: str | Path) -> Record:
    """Open a run directory. Raises `RecordError` where it is none."""
    path = Path(directory)
    return Record(path, read_study(path), _object(path / "environment.json", optional=True))


def read_study(path: Path) -> dict[str, Any]:
    """`study.json` of a run directory alone. Raises `RecordError` where it is none."""
    study = path / "study.json"
    if not path.is_dir():
        raise RecordError(str(path), "there is no such run directory.", "`lifespan simulate --out DIR` makes one.")
    if not study.is_file():
        inside = sorted(entry.name for entry in path.iterdir() if (entry / "study.json").is_file())
        remedy = f"Did you mean {path / inside[0]}?" if inside else "`lifespan simulate --out DIR` makes one."
        raise RecordError(str(path), "is no run directory: it has no study.json.", remedy)
    content = _object(study)
    untrusted.check_study(content, study)
    return content


ANEW = "`lifespan simulate --resume` writes it anew from the store."
"""What to do with a table that cannot be read."""


def _text_of(path: Path) -> tuple[Path, str]:
    """(file, text) of a table, which may be kept gzipped; no text where there is none."""
    packed = path.with_name(f"{path.name}.gz")
    with reading(path, ANEW):
        if os.path.lexists(path) or not packed.exists():
            return path, plain_bytes(path).decode("utf-8") if os.path.lexists(path) else ""
    with reading(packed, "Restore it from where it was kept."):
        data = plain_bytes(packed)
    try:
        return packed, gzip.decompress(data).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise RecordError(str(packed), f"cannot be unpacked ({error}).", "Restore it from where it was kept.") from None


def _object(path: Path, *, optional: bool = False) -> dict[str, Any]:
    if optional and not os.path.lexists(path):
        return {}
    return read_object(path, "Restore it, or choose another --out.")


def is_lived(directory: Path, digest: str, store: Path | None = None) -> bool:
    """Whether the store of a run directory, or another, holds a finished step, without reading it."""
    return ((store or directory / "store") / digest / "node.json").is_file()


def dictionary() -> dict[str, Any]:
    """The data dictionary: for every table, each column's type, unit and meaning."""
    tables = {
        "measurements.jsonl": MEASUREMENT_COLUMNS,
        "steps.jsonl": STEP_COLUMNS,
        "participants.tsv": PARTICIPANT_COLUMNS,
        "contrasts.jsonl": CONTRAST_COLUMNS,
        "examples/*.parquet": EXAMPLE_COLUMNS,
        "lifespan table": {"run": RUN_COLUMN, **MEASUREMENT_COLUMNS, **TIDY_COLUMNS},
    }
    return {
        table: {name: dict(zip(("type", "unit", "meaning"), column, strict=True)) for name, column in columns.items()}
        for table, columns in tables.items()
    }


def as_lines(rows: list[dict[str, Any]]) -> bytes:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows).encode()


def as_table(rows: list[dict[str, Any]], columns: Mapping[str, Any]) -> bytes:
    """Rows as tab-separated text with a header: names as they are, reasons in one line."""
    lines = ["\t".join(columns)]
    for row in rows:
        told = {**row, "reason": names.neutral(" ".join(str(row["reason"]).split()))} if "reason" in row else row
        lines.append("\t".join(str(names.cell(told[name])) for name in columns))
    return "".join(f"{line}\n" for line in lines).encode()
