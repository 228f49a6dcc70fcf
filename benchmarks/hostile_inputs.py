"""What a user may hand over, odd or damaged: scenarios, command lines, data files, model files and packs. Counts are printed.

    python benchmarks/hostile_inputs.py --out benchmarks/results/hostile_inputs.json
    python benchmarks/hostile_inputs.py --parts scenarios packs --every 4

Each case runs a command in this process, as a user would. Counted are unexpected errors (a traceback, or exit code 1 without a
life that failed), hangs, and what is silently wrong: a study that was accepted and lived whose record cannot be read, or names
other groups or tells of other individuals than the study has; a damaged pack that loads and answers otherwise.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path[:0] = [
    str(Path(__file__).resolve().parent.parent / "tests"),
    str(Path(__file__).resolve().parent.parent / "tests/hostile"),
]

from architectures import saved  # noqa: E402
from harm import PATIENCE, Hang, Said, told  # noqa: E402
from test_fuzzed import COMMAND_WORDS  # noqa: E402
from test_hostile_names import ODD  # noqa: E402
from test_reads import FAULTS  # noqa: E402

from lifespan import read  # noqa: E402
from lifespan.errors import UserError  # noqa: E402

QUICK = ("--no-report", "--threads", "1", "--engine", "inline")
LIFE = """
from lifespan import *

subject = Micro(layers=1, width=16, heads=2, feed_forward=32)
task = MicroTask("sentiment", train_examples=24, eval_examples=16)
life = Scenario(name="life", subject=subject, events=(Learn(task, by=Weights(steps=1)), Probe(Score())))
"""
VALUES = (
    *("-1", "0", "1", "10**9", "10**30", "10**5000", "2**63", "1.5", "-0.0", "1e308", "float('nan')", "float('inf')", "True"),
    *(
        "None",
        "()",
        "[]",
        "{}",
        "''",
        "'x'",
        "b'x'",
        "object",
        "object()",
        "lambda: 0",
        "life",
        "task",
        "'\\\\ud800'",
        "'a' * 10**6",
    ),
)
PLACES = {
    "individuals": 'Study(name="x", groups={{"a": life}}, individuals={})',
    "seed": 'Study(name="x", groups={{"a": life}}, seed={})',
    "groups": 'Study(name="x", groups={})',
    "group": 'Study(name="x", groups={{"a": {}}})',
    "name": 'Study(name={}, groups={{"a": life}})',
    "control": 'Study(name="x", groups={{"a": life}}, control={})',
    "between": 'Study(name="x", groups={{"a": life}}, between={})',
    "hypotheses": 'Study(name="x", groups={{"a": life}}, hypotheses={})',
    "events": 'Study(name="x", groups={{"a": Scenario(name="l", subject=subject, events=({},))}})',
    "width": 'Study(name="x", groups={{"a": Scenario(name="l", subject=Micro(layers=1, width={}, heads=1), events=())}})',
}
FILES = {
    "no study": "x = 1\n",
    "empty": "",
    "half a line": "study = Study(",
    "an error": "raise ValueError('mine')\n",
    "an exit": "raise SystemExit(0)\n",
    "an exit with text": "import sys; sys.exit('bye')\n",
    "no memory": "raise MemoryError\n",
    "an interrupt": "raise KeyboardInterrupt\n",
    "a warning": "import warnings; warnings.warn('odd')\n" + LIFE + "study = Study(name='x', groups={'a': life})\n",
    "another study": "study = 7\n",
    "a study that is a class": LIFE + "study = Study\n",
    "a function": LIFE + "def study():\n    return Study(name='x', groups={'a': life})\n",
    "a function that wants more": LIFE + "def study(x):\n    return Study(name='x', groups={'a': life})\n",
    "a package that is missing": "import no_such_package\n",
    "a star that is missing": "from lifespan import Nonsense\n",
    "itself": "import case\n" + LIFE,
    "deep recursion": "def f(): return f()\nf()\n",
    "deep brackets": "x = " + "(" * 500 + ")" * 500 + "\n",
    "null bytes": "x = 1\0\n",
    "tabs and spaces": "if True:\n\tx = 1\n        y = 2\n",
    "a name that shadows": LIFE + "Study = int\nstudy = Study()\n",
    "a changed working directory": "import os; os.chdir('/')\n" + LIFE + "study = Study(name='x', groups={'a': life})\n",
    "a closed stream": "import sys; sys.stdout.write('x' * 10**6)\n" + LIFE + "study = Study(name='x', groups={'a': life})\n",
    "a seed of torch": "import torch; torch.manual_seed(1)\n" + LIFE + "study = Study(name='x', groups={'a': life})\n",
    "another default type": "import torch; torch.set_default_dtype(torch.float64)\n"
    + LIFE
    + "study = Study(name='x', groups={'a': life})\n",
}


def scenarios(folder: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """Groups of any name, values of any kind in any place, and files that are no scenarios."""
    texts = {f"group {name!r}": LIFE + f"study = Study(name='x', groups={{{name!r}: life, 'other': life}})\n" for name in ODD}
    for place, code in PLACES.items():
        texts |= {f"{place} = {value}": LIFE + "study = " + code.format(value) + "\n" for value in VALUES}
    texts |= FILES
    for number, (title, text) in enumerate(texts.items()):
        yield title, lambda text=text, number=number: _scenario(folder / f"s{number}", text)
    for title, fault in FAULTS.items():
        yield f"a file that is {title}", lambda fault=fault, title=title: _no_scenario(folder / f"f {title}", fault)


def _scenario(folder: Path, text: str) -> str:
    folder.mkdir()
    path = folder / "case.py"
    path.write_bytes(text.encode("utf-8", errors="backslashreplace"))
    with _standing_in(folder):
        planned = told("plan", "case.py")
        if planned.fault or planned.code != 0:
            return _wrong(planned)
        size = [line for line in planned.out.splitlines() if "individual" in line]
        if any(char.isdigit() and len(line) > 400 for line in size for char in line[:1]):
            return ""
        lived = told("simulate", "case.py", "--out", "out", "--individuals", "1", *QUICK)
        if lived.fault or lived.code != 0:
            return _wrong(lived)
        return _unreadable(folder / "out")


def _unreadable(out: Path) -> str:
    for words in (
        ("status", str(out)),
        ("table", str(out), "--out", str(out.parent / "all.csv")),
        ("report", str(out), "--markdown"),
    ):
        said = told(*words)
        if said.fault or said.code != 0:
            return f"unreadable ({words[0]}: {said.fault or said.err.strip()[:200]})"
    record = read(out)
    people, groups = record.numbered(), list(record.study["groups"])
    if sorted(people["group"]) != sorted(groups) or set(record.measurements()["group"]) - set(groups):
        return "silent (other groups than the study's)"
    return "" if (people["status"] == "done").all() else "silent (exit code 0 and lives that are not done)"


def _no_scenario(folder: Path, fault: Callable[[Path], None]) -> str:
    folder.mkdir()
    fault(folder / "case.py")
    with _standing_in(folder):
        return _wrong(told("plan", "case.py"))


def command_lines(folder: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """Words of commands, options, paths and nonsense in any order."""
    dice = random.Random(0)
    for number in range(500):
        words = [dice.choice(COMMAND_WORDS) for _ in range(dice.randint(0, 6))]
        yield repr(words), lambda words=words, number=number: _line(folder / f"c{number}", words)


def _line(folder: Path, words: list[str]) -> str:
    folder.mkdir()
    (folder / "life.py").write_text(LIFE + "study = Study(name='x', groups={'a': life})\n")
    (folder / "mine.txt").write_text("mine")
    with _standing_in(folder):
        wrong = _wrong(told(*words))
    return wrong or ("" if (folder / "mine.txt").read_text() == "mine" else "harmed")


ROWS = [("good film", "yes"), ("bad film", "no")] * 12


def data_files(folder: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """Tables in every format, in every way in which they can be damaged or odd."""
    import pandas as pd

    frame = pd.DataFrame(ROWS, columns=["text", "label"])
    folder.mkdir(exist_ok=True)
    frame.to_csv(folder / "w.csv", index=False)
    frame.to_csv(folder / "w.tsv", index=False, sep="\t")
    frame.to_json(folder / "w.jsonl", orient="records", lines=True)
    frame.to_json(folder / "w.json", orient="records")
    frame.to_parquet(folder / "w.parquet")
    (folder / "w.csv.gz").write_bytes(gzip.compress((folder / "w.csv").read_bytes()))
    for suffix in (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".csv.gz"):
        data = (folder / f"w{suffix}").read_bytes()
        for title, content in _damaged(data).items():
            yield (
                f"{suffix}: {title}",
                lambda content=content, suffix=suffix, title=title: _table(folder, suffix, title, content),
            )
        for title, fault in FAULTS.items():
            yield f"{suffix}: {title}", lambda fault=fault, suffix=suffix, title=title: _table(folder, suffix, title, fault)


def _damaged(data: bytes) -> dict[str, bytes]:
    middle = len(data) // 2
    return {
        "as it is": data,
        "a byte order mark": b"\xef\xbb\xbf" + data,
        "half": data[:middle],
        "nothing": b"",
        "one byte": data[:1],
        "flipped": data[:middle] + bytes([data[middle] ^ 0x80]) + data[middle + 1 :],
        "zeros inside": data[:middle] + b"\0" * 10 + data[middle:],
        "twice": data + data,
        "other line ends": data.replace(b"\n", b"\r\n"),
        "a cell of a megabyte": data.replace(b"good film", b"x" * 10**6, 1),
        "an open quote": data.replace(b"good", b'"good', 1),
        "one label": data.replace(b"no", b"yes"),
        "other columns": data.replace(b"label", b"lable"),
    }


def _table(folder: Path, suffix: str, title: str, content: bytes | Callable[[Path], None]) -> str:
    place = Path(tempfile.mkdtemp(dir=folder))
    path = place / f"rows{suffix}"
    path.write_bytes(content) if isinstance(content, bytes) else content(path)
    task = f"task = TableTask('rows{suffix}', name='mine', first='text', label='label', held_out=0.25)\n"
    text = LIFE.replace("life = ", task + "life = ") + "study = Study(name='x', groups={'a': life})\n"
    (place / "case.py").write_text(text)
    with _standing_in(place):
        lived = told("simulate", "case.py", "--out", "out", *QUICK)
        return _wrong(lived) if lived.fault or lived.code != 0 else _unreadable(place / "out")


def model_files(folder: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """Every file of a saved model, damaged in every way."""
    whole = Path(saved("bert", folder))
    for path in sorted(whole.iterdir()):
        for title, content in _damaged(path.read_bytes()).items():
            if title not in ("other line ends", "one label", "other columns", "a cell of a megabyte"):
                yield f"{path.name}: {title}", lambda p=path, c=content: _model(folder, whole, p.name, c)
        for title, fault in FAULTS.items():
            yield f"{path.name}: {title}", lambda p=path, f=fault: _model(folder, whole, p.name, f)


def _model(folder: Path, whole: Path, name: str, content: bytes | Callable[[Path], None]) -> str:
    place = Path(tempfile.mkdtemp(dir=folder))
    shutil.copytree(whole, place / "model")
    path = place / "model" / name
    path.write_bytes(content) if isinstance(content, bytes) else content(path)
    text = LIFE.replace("Micro(layers=1, width=16, heads=2, feed_forward=32)", "Pretrained('./model')", 1)
    (place / "case.py").write_text(text + "study = Study(name='x', groups={'a': life})\n")
    with _standing_in(place):
        lived = told("simulate", "case.py", "--out", "out", *QUICK)
        return _wrong(lived) if lived.fault or lived.code != 0 else _unreadable(place / "out")


def packs(folder: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """A pack with bytes changed, cut, added and exchanged at random places, loaded and asked."""
    folder.mkdir(exist_ok=True)
    (folder / "case.py").write_text(LIFE + "study = Study(name='x', groups={'a': life})\n")
    with _standing_in(folder):
        assert told("simulate", "case.py", "--out", "out", *QUICK).code == 0
        assert told("export", "out", "--out", "pack", "--no-check").code == 0
    whole, dice = _answer(folder / "pack"), random.Random(0)
    names = sorted(path.name for path in (folder / "pack").iterdir())
    for number in range(300):
        name, how = dice.choice(names), dice.choice(("flip", "cut", "add", "swap", "none", "text"))
        seed = dice.random()
        yield f"pack {number}: {name}, {how}", lambda n=name, h=how, s=seed: _pack(folder, n, h, s, whole)


def _answer(pack: Path) -> str:
    from lifespan import load_pack

    loaded = load_pack(pack)
    return json.dumps([str(loaded.answer(title, ["good film", "bad film"])) for title in sorted(loaded.loaded.skills)])


def _pack(folder: Path, name: str, how: str, seed: float, whole: str) -> str:
    place, dice = Path(tempfile.mkdtemp(dir=folder)) / "pack", random.Random(seed)
    shutil.copytree(folder / "pack", place)
    path = place / name
    data = path.read_bytes()
    spot = dice.randrange(max(1, len(data)))
    if how == "none":
        path.unlink()
    elif how == "text":
        spots = [i for i, byte in enumerate(data) if 48 <= byte <= 57] or [0]
        spot = dice.choice(spots)
        path.write_bytes(data[:spot] + bytes([dice.randrange(48, 58)]) + data[spot + 1 :])
    else:
        other = dice.choice(sorted(place.iterdir())).read_bytes()
        changed = {
            "flip": data[:spot] + bytes([data[spot] ^ (1 << dice.randrange(8))]) + data[spot + 1 :],
            "cut": data[:spot],
            "add": data[:spot] + dice.randbytes(20) + data[spot:],
            "swap": other,
        }
        path.write_bytes(changed[how])
    same = path.exists() and path.read_bytes() == data
    try:
        answer = _timed(lambda: _answer(place))
    except UserError:
        return "unexpected (a whole pack is refused)" if same else ""
    except Hang:
        return "hang"
    except BaseException as error:
        return f"unexpected ({type(error).__name__}: {error})"
    return "" if answer == whole else "silent (another answer)"


def _timed(work: Callable[[], str]) -> str:
    def end(number: int, frame: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(PATIENCE)
    try:
        return work()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class _standing_in:
    """The working directory, for a while; what a case changes in this process goes back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        self.before, self.modules = os.getcwd(), set(sys.modules)
        os.chdir(self.folder)

    def __exit__(self, *error: Any) -> None:
        import torch

        os.chdir(self.before)
        torch.set_default_dtype(torch.float32)
        sys.modules.pop("case", None)


def _wrong(said: Said) -> str:
    if said.fault:
        return f"{said.fault.partition(' ')[0]} ({said.fault}; {said.err.strip()[-200:]})"
    # Exit code 1 is for lives that did not live to the end, and for what was asked and is not so.
    fine = said.code in (0, 2) or "did not live to the end" in said.err or "Error: " in said.err or not said.err
    return "" if fine else f"unexpected (exit code {said.code}: {said.err.strip()[-200:]})"


PARTS = {
    "scenarios": scenarios,
    "command lines": command_lines,
    "data files": data_files,
    "model files": model_files,
    "packs": packs,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    counts: dict[str, dict[str, int]] = json.loads(asked.out.read_text()) if asked.out and asked.out.exists() else {}
    for part in asked.parts:
        found, which = Counter[str](cases=0, unexpected=0, hang=0, silent=0), []
        with tempfile.TemporaryDirectory(prefix="lifespan-inputs-", ignore_cleanup_errors=True) as folder:
            for number, (title, work) in enumerate(PARTS[part](Path(folder))):
                if number % asked.every:
                    continue
                wrong = work()
                found["cases"] += 1
                if wrong:
                    found[wrong.partition(" ")[0]] += 1
                    which.append(f"{title}: {wrong}")
                    print(f"{part}, {title}: {wrong}", flush=True)
        counts[part] = dict(found)
        print(f"{part}: {dict(found)}", flush=True)
        if asked.out:
            asked.out.write_text(json.dumps(counts, indent=2) + "\n")


if __name__ == "__main__":
    main()
