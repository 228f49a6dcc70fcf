"""Renew golden outcomes: `python tests/golden/make_outcomes.py Masks HeadLoss`, or `--all` after a change of versions.

The classes named are lived, and all that use one of them. A class that does something else though no revision was raised is
not renewed; `--all` renews whatever there is.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from _pytest.outcomes import Skipped
from golden import cases, outcomes
from golden.summaries import Outcome

from lifespan.subjects._torchvision import mend_torchvision


def renew(asked: list[str]) -> int:
    """Renew golden outcomes; 1 where one of them may not be renewed, or is not known."""
    everything = asked == ["--all"]
    known, golden = outcomes.names(), dict(outcomes.read() if outcomes.FILE.exists() else {})
    wrong = [] if everything else [name for name in asked if name not in known]
    if wrong or not asked:
        print(f"{' '.join(wrong) or 'Nothing'}: give names of built-in classes, or --all.", file=sys.stderr)
        return 1
    before = {name: kept for name, kept in golden.items() if name in known}
    chosen = [n for n in known if everything or n in asked or set(before.get(n, {}).get("uses", ())) & set(asked)]
    found = {name: now for name in chosen if (now := _lived(name)) is not None}
    said = {name: outcomes.complaint(now, before) for name, now in found.items()}
    refused = [name for name, text in said.items() if not everything and "raise `revision`" in text]
    for name in refused:
        print(said[name], file=sys.stderr)
    renewed = [name for name in found if (everything or said[name]) and name not in refused]
    apart = list(zip(*[_apart(number, renewed) for number in outcomes.HAIRS], strict=True))
    golden |= {name: outcomes.entry(found[name], others) for name, others in zip(renewed, apart, strict=True)}
    outcomes.write({name: kept for name, kept in golden.items() if name in known})
    print(f"{len(renewed)} renewed, {len(refused)} refused.")
    return int(bool(refused))


def _lived(name: str) -> outcomes.Now | None:
    try:
        return outcomes.now(name)
    except Skipped as missing:
        print(f"{name}: left as it is ({missing}).")
        return None


def _apart(number: int, names: list[str]) -> list[Outcome]:
    """The outcomes of lives that began a hair apart."""
    with cases.perturbed(number):
        return [cases.lived(name).outcome for name in names]


if __name__ == "__main__":
    torch.set_num_threads(1)
    mend_torchvision()
    sys.exit(renew(sys.argv[1:]))
