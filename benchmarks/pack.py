"""How small is a pack? Six skills on MiniLM, with each precision of the shared base.

The heads are newborn and the masks are drawn, so only bytes are measured here, no scores. A mask starts with the 5% smallest
abs(W) of every matrix off, and 3% of all synapses flip: `anywhere`, or `near` the boundary, as learned scores do, which move
by about the same amount whatever their distance (score = rank + noise). Claim: coded masks take at most 1.05 of their
entropy floor, and with an int8 base the pack is at most 1/12 of six fp32 checkpoints.

    python benchmarks/pack.py                writes benchmarks/results/pack.json
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import torch

from lifespan import Glue, MiniLM
from lifespan.model.subject import Masks, Subject
from lifespan.packs.format import BASES
from lifespan.packs.pack import PackReport, load_pack, save_pack
from lifespan.randomness import Streams

TASKS = tuple(Glue(name) for name in ("cola", "mrpc", "qnli", "rte", "sst2", "stsb"))
SPARSITY, FLIPS = 0.05, 0.03
SPREAD = 0.0445
"""Standard deviation of the noise on ranks at which 3% of the synapses flip near the boundary."""
RESULTS = Path(__file__).parent / "results" / "pack.json"


def born(flips: str) -> tuple[Subject, float]:
    """MiniLM with six drawn skills, and the share of synapses that flipped."""
    subject = Subject(MiniLM().build(Streams(0, "birth")))
    ranks = {name: relative_ranks(weight) for name, weight in subject.synapses.items()}
    flipped = 0
    for number, task in enumerate(TASKS):
        draw = np.random.default_rng(number)
        skill = subject.skill_for(task, "structure", Streams(0, f"learn/{task.title}#0"))
        mask: Masks = {}
        for name, rank in ranks.items():
            start = rank > SPARSITY
            if flips == "near":
                found = rank + SPREAD * draw.standard_normal(rank.shape) > SPARSITY
            else:
                found = start ^ (draw.random(rank.shape) < FLIPS)
            flipped += int((found ^ start).sum())
            mask[name] = torch.from_numpy(found)
        skill.mask = mask
    return subject, flipped / (len(TASKS) * subject.count)


def relative_ranks(weight: torch.Tensor) -> np.ndarray:
    """Ranks of abs(W) inside its matrix, in (0, 1)."""
    flat = weight.detach().abs().flatten().numpy()
    ranks = np.empty(flat.size, dtype=np.float32)
    ranks[np.argsort(flat, kind="stable")] = (np.arange(flat.size) + 0.5) / flat.size
    return ranks.reshape(tuple(weight.shape))


def row(flips: str, share: float, report: PackReport) -> dict[str, object]:
    """One line of the table."""
    kinds = {kind: sum(part.bytes for part in report.parts if part.kind == kind) for kind in ("base", "head", "mask")}
    return {
        "flips": flips,
        "flipped": round(share, 4),
        "base": report.base,
        "base_bytes": kinds["base"],
        "head_bytes": kinds["head"],
        "mask_bytes": kinds["mask"],
        "mask_floor_bytes": round(report.floor),
        "mask_over_floor": round(report.coded / report.floor, 4),
        "total_bytes": report.total,
        "six_fp32_checkpoints_bytes": sum(report.full.values()),
        "ratio": round(report.ratio, 2),
    }


def main() -> None:
    torch.set_num_threads(1)
    columns = ("base MB", "heads MB", "masks MB", "floor MB", "of floor", "total MB")
    print(f"{'flips':<9}{'base':<6}{''.join(f'{name:>9}' for name in columns)}{'ratio':>7}")
    rows = []
    for flips in ("anywhere", "near"):
        subject, share = born(flips)
        for base in BASES:
            with tempfile.TemporaryDirectory() as folder:
                report = save_pack(subject, Path(folder) / "pack", base=base, tasks=TASKS)
                found = load_pack(report.folder).subject()
                for title, skill in subject.skills.items():
                    mask = found.skills[title].mask
                    assert mask is not None and skill.mask is not None
                    assert all(torch.equal(mask[name], own) for name, own in skill.mask.items())
            rows.append(row(flips, share, report))
            sizes = [rows[-1][f"{kind}_bytes"] for kind in ("base", "head", "mask", "mask_floor")]
            told = "".join(f"{int(str(count)) / 1e6:>9.2f}" for count in sizes)
            print(
                f"{flips:<9}{base:<6}{told}{report.coded / report.floor:>9.3f}{report.total / 1e6:>9.2f}{report.ratio:>7.1f}"
            )
    RESULTS.parent.mkdir(exist_ok=True)
    about = {"command": "python benchmarks/pack.py", "subject": "MiniLM()", "skills": [task.title for task in TASKS]}
    RESULTS.write_text(json.dumps({**about, "start_sparsity": SPARSITY, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
