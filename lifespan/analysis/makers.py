"""Who lived the steps of a record: versions, hardware and threads, as sentences, and where they are mixed."""

from __future__ import annotations

from typing import Any

import pandas as pd

PROGRAMS = ("version", "python", "torch", "transformers", "tokenizers", "numpy")
MACHINE = ("cpu", "device", "gpu", "threads", "precision")


def makers(steps: pd.DataFrame, study: str) -> list[str]:
    """Sentences on who lived a study's finished steps; none where its record does not say.

    `steps` are the rows of `steps.jsonl`. Steps that several lives share count once.
    """
    done = steps[(steps["study"] == study) & (steps["status"] == "done")].drop_duplicates("digest")
    known = done.dropna(subset=["version"])
    if known.empty:
        return []
    kinds = known.groupby([*PROGRAMS, *MACHINE], dropna=False, sort=False).size()
    names = [str(name) for name in kinds.index.names]
    parties = [(dict(zip(names, key, strict=True)), int(count)) for key, count in zip(kinds.index, kinds, strict=True)]
    unknown = len(done) - len(known)
    others = sorted(set(known["evaluated_by"].dropna())) if "evaluated_by" in known else []
    if len(parties) == 1 and not unknown and not others:
        return [f"{study}: each of its {len(known):,} distinct steps was lived with {_in_words(parties[0][0])}."]
    told = [f"{count:,} with {_in_words(party)}" for party, count in parties]
    told += [f"{unknown:,} with versions and threads that were not stored"] if unknown else []
    mixed = _mixed([party for party, _ in parties], bool(unknown), bool(others))
    evaluations = f" Some evaluations were made with {'; '.join(others)}." if others else ""
    return [
        f"{study}: {mixed} Of its {len(done):,} distinct steps, {'; '.join(told)} were lived.{evaluations} Values are the "
        "same bit for bit at equal versions, hardware and threads alone."
    ]


def _mixed(parties: list[dict[str, Any]], unknown: bool, evaluations: bool) -> str:
    names = {"version": "versions of lifespan", "cpu": "processors"}
    apart = [name for name in (*PROGRAMS, *MACHINE) if len({str(party[name]) for party in parties}) > 1]
    shown = [names.get(name, f"versions of {name}" if name in PROGRAMS else name) for name in apart]
    shown += ["makers that were not stored"] if unknown else []
    shown += ["makers of evaluations"] if evaluations and not shown else []
    return f"mixed {' and '.join(shown)}."


def _in_words(party: dict[str, Any]) -> str:
    programs = [f"{'lifespan' if name == 'version' else name} {party[name]}" for name in PROGRAMS if _said(party[name])]
    threads = f"{int(float(str(party['threads'])))} thread{'s' if float(str(party['threads'])) != 1 else ''} of torch"
    machine = [str(party[name]) for name in ("device", "gpu", "cpu", "precision") if _said(party[name])]
    return f"{', '.join(programs)}; {threads} on {', '.join(machine)}"


def _said(value: Any) -> bool:
    return not pd.isna(value) and value != ""
