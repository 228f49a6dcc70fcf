"""Publications by citation key, as text and as BibTeX, and which of them a study used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import lifespan


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One publication. `fields` are further BibTeX fields; `doi` or `url` makes the link."""

    key: str
    kind: str
    author: str
    year: int
    title: str
    venue: str
    pages: str = ""
    doi: str = ""
    url: str = ""

    @property
    def link(self) -> str:
        """Where to read it."""
        return f"https://doi.org/{self.doi}" if self.doi else self.url

    @property
    def cited(self) -> str:
        """How a sentence cites it.

        >>> REFERENCES["zhu2017prune"].cited
        'Zhu & Gupta, 2017'
        """
        names = [name.split(",")[0] for name in self.author.split(" and ")]
        who = names[0] if len(names) == 1 else " & ".join(names) if len(names) == 2 else f"{names[0]} et al."
        return f"{who}, {self.year}"

    @property
    def text(self) -> str:
        """The entry of a reference list."""
        who = self.author.replace(" and ", "; ")
        pages = f", {self.pages.replace('--', chr(0x2013))}" if self.pages else ""
        return f"{who} ({self.year}). {self.title}. {self.venue}{pages}."

    def bibtex(self) -> str:
        """The entry of a BibTeX file."""
        venue = "journal" if self.kind == "article" else "booktitle"
        entries = {"author": self.author, "title": "{" + self.title + "}", venue: self.venue, "year": str(self.year)}
        entries |= {"pages": self.pages, "doi": self.doi, "url": "" if self.doi else self.url}
        lines = [f"  {name} = {{{value}}}" for name, value in entries.items() if value]
        return f"@{self.kind}{{{self.key},\n" + ",\n".join(lines) + "\n}\n"


def _paper(key: str, author: str, year: int, title: str, venue: str, **more: str) -> Reference:
    kind = more.pop("kind", "inproceedings")
    return Reference(key=key, kind=kind, author=author, year=year, title=title, venue=venue, **more)


_ALL = (
    _paper(
        "devlin2019bert",
        "Devlin, Jacob and Chang, Ming-Wei and Lee, Kenton and Toutanova, Kristina",
        2019,
        "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
        "Proceedings of NAACL-HLT",
        pages="4171--4186",
        doi="10.18653/v1/N19-1423",
    ),
    _paper(
        "wang2018glue",
        "Wang, Alex and Singh, Amanpreet and Michael, Julian and Hill, Felix and Levy, Omer and Bowman, Samuel",
        2018,
        "GLUE: A Multi-Task Benchmark and Analysis Platform for Natural Language Understanding",
        "Proceedings of the EMNLP Workshop BlackboxNLP",
        pages="353--355",
        doi="10.18653/v1/W18-5446",
    ),
    _paper(
        "zhu2017prune",
        "Zhu, Michael and Gupta, Suyog",
        2017,
        "To prune, or not to prune: exploring the efficacy of pruning for model compression",
        "arXiv:1710.01878",
        kind="article",
        url="https://arxiv.org/abs/1710.01878",
    ),
    _paper(
        "mallya2018piggyback",
        "Mallya, Arun and Davis, Dillon and Lazebnik, Svetlana",
        2018,
        "Piggyback: Adapting a Single Network to Multiple Tasks by Learning to Mask Weights",
        "Computer Vision - ECCV 2018",
        url="https://arxiv.org/abs/1801.06519",
    ),
    _paper(
        "zhao2020masking",
        "Zhao, Mengjie and Lin, Tao and Mi, Fei and Jaggi, Martin and Schütze, Hinrich",
        2020,
        "Masking as an Efficient Alternative to Finetuning for Pretrained Language Models",
        "Proceedings of EMNLP",
        pages="2226--2241",
        doi="10.18653/v1/2020.emnlp-main.174",
    ),
    _paper(
        "radiyadixit2020fine",
        "Radiya-Dixit, Evani and Wang, Xin",
        2020,
        "How fine can fine-tuning be? Learning efficient language models",
        "Proceedings of AISTATS",
        url="https://arxiv.org/abs/2004.14129",
    ),
    _paper(
        "ramanujan2020hidden",
        "Ramanujan, Vivek and Wortsman, Mitchell and Kembhavi, Aniruddha and Farhadi, Ali and Rastegari, Mohammad",
        2020,
        "What's Hidden in a Randomly Weighted Neural Network?",
        "Proceedings of CVPR",
        url="https://arxiv.org/abs/1911.13299",
    ),
    _paper(
        "gale2019state",
        "Gale, Trevor and Elsen, Erich and Hooker, Sara",
        2019,
        "The State of Sparsity in Deep Neural Networks",
        "arXiv:1902.09574",
        kind="article",
        url="https://arxiv.org/abs/1902.09574",
    ),
    _paper(
        "mosbach2021stability",
        "Mosbach, Marius and Andriushchenko, Maksym and Klakow, Dietrich",
        2021,
        "On the Stability of Fine-tuning BERT: Misconceptions, Explanations, and Strong Baselines",
        "Proceedings of ICLR",
        url="https://arxiv.org/abs/2006.04884",
    ),
    _paper(
        "guest2020levels",
        "Guest, Olivia and Caso, Andrea and Cooper, Richard P.",
        2020,
        "On Simulating Neural Damage in Connectionist Networks",
        "Computational Brain & Behavior 3",
        kind="article",
        pages="289--321",
        doi="10.1007/s42113-020-00081-z",
    ),
    _paper(
        "chaudhry2018riemannian",
        "Chaudhry, Arslan and Dokania, Puneet K. and Ajanthan, Thalaiyasingam and Torr, Philip H. S.",
        2018,
        "Riemannian Walk for Incremental Learning: Understanding Forgetting and Intransigence",
        "Computer Vision - ECCV 2018",
        url="https://arxiv.org/abs/1801.10112",
    ),
    _paper(
        "lopezpaz2017gem",
        "Lopez-Paz, David and Ranzato, Marc'Aurelio",
        2017,
        "Gradient Episodic Memory for Continual Learning",
        "Advances in Neural Information Processing Systems 30",
        url="https://arxiv.org/abs/1706.08840",
    ),
    _paper(
        "efron1987better",
        "Efron, Bradley",
        1987,
        "Better Bootstrap Confidence Intervals",
        "Journal of the American Statistical Association 82(397)",
        kind="article",
        pages="171--185",
        doi="10.1080/01621459.1987.10478410",
    ),
    _paper(
        "hedges1981distribution",
        "Hedges, Larry V.",
        1981,
        "Distribution Theory for Glass's Estimator of Effect Size and Related Estimators",
        "Journal of Educational Statistics 6(2)",
        kind="article",
        pages="107--128",
        doi="10.3102/10769986006002107",
    ),
    _paper(
        "lakens2013effect",
        "Lakens, Daniël",
        2013,
        "Calculating and reporting effect sizes to facilitate cumulative science: a practical primer",
        "Frontiers in Psychology 4:863",
        kind="article",
        doi="10.3389/fpsyg.2013.00863",
    ),
    _paper(
        "cliff1993dominance",
        "Cliff, Norman",
        1993,
        "Dominance statistics: Ordinal analyses to answer ordinal questions",
        "Psychological Bulletin 114(3)",
        kind="article",
        pages="494--509",
        doi="10.1037/0033-2909.114.3.494",
    ),
    _paper(
        "holm1979simple",
        "Holm, Sture",
        1979,
        "A simple sequentially rejective multiple test procedure",
        "Scandinavian Journal of Statistics 6(2)",
        kind="article",
        pages="65--70",
        url="https://www.jstor.org/stable/4615733",
    ),
)

REFERENCES: dict[str, Reference] = {reference.key: reference for reference in _ALL}

_BESIDE = {
    "Develop": ("devlin2019bert",),
    "Glue": ("wang2018glue",),
    "Masks": ("mallya2018piggyback", "zhao2020masking", "radiyadixit2020fine"),
    "Rewire": ("radiyadixit2020fine",),
}
"""Publications behind a class of a scenario, beside the one that the class itself cites."""


def cited_by(scenarios: Iterable[Mapping[str, Any]]) -> list[str]:
    """Citation keys behind the classes that these scenarios (as data) use.

    Ageing in two or more steps, as `gradually` writes it, cites the gradual schedule.

    >>> cited_by([{"class": "lifespan:Scenario", "events": [{"class": "lifespan:Develop", "steps": 5}]}])
    ['devlin2019bert']
    """
    keys: list[str] = []
    for scenario in scenarios:
        classes = [name.rpartition(":")[2] for name in _classes(scenario)]
        keys += [key for name in classes for key in (*_BESIDE.get(name, ()), _own(name))]
        keys += ["zhu2017prune"] if classes.count("Age") >= 2 else []
    return [key for key in REFERENCES if key in keys]


def bibliography(keys: Iterable[str]) -> str:
    """A BibTeX file of these entries."""
    return "\n".join(REFERENCES[key].bibtex() for key in keys)


def _own(name: str) -> str:
    """The citation that a built-in class declares. Classes of other packages are not imported on a record's word."""
    return str(getattr(getattr(lifespan, name, None), "citation", ""))


def _classes(data: Any) -> Iterator[str]:
    if isinstance(data, Mapping):
        name = str(data.get("class", ""))
        if name:
            yield name
        if name == "lifespan:Recover" and "by" not in data:
            yield "lifespan:Rewire"
        for value in data.values():
            yield from _classes(value)
    elif isinstance(data, list):
        for value in data:
            yield from _classes(value)
