"""Reports travel with the built site: mkdocs knows only what is written in Markdown."""

import shutil
from pathlib import Path


def on_post_build(config, **_):
    """Copy the gallery and the report of every kept run beside the pages."""
    source, target = Path(config["config_file_path"]).parent / "reports", Path(config["site_dir"]) / "reports"
    for path in [*source.rglob("report.html"), source / "index.html", source / "answers.svg"]:
        (target / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / path.relative_to(source))
