"""What is said of bodies and texts before anything is lived."""

import json
import subprocess
import sys

import pytest
import torch
from conftest import TASKS, TINY, tiny_study, weights
from test_subjects import saved

from lifespan import (
    Develop,
    Learn,
    Micro,
    MicroText,
    Pretrained,
    Probe,
    Scenario,
    Score,
    TableTask,
    TextFiles,
    UserError,
    simulate,
)
from lifespan.execution.observer import Observer
from lifespan.randomness import Streams
from lifespan.simulation import plan_for
from lifespan.subjects._torchvision import mend_torchvision
from lifespan.subjects.bodies import positions_of
from lifespan.training.batches import Tokens

mend_torchvision()


class Hearing(Observer):
    def __init__(self):
        self.said = []

    def warns(self, text):
        self.said.append(text)


def life(*events, subject=TINY):
    return tiny_study(life=Scenario(name="life", subject=subject, events=events))


def table(folder, texts):
    """A task whose texts are these."""
    rows = "".join(f"{text},{'yes' if i % 2 else 'no'}\n" for i, text in enumerate(texts * (60 // len(texts))))
    (folder / "rows.csv").write_text("text,label\n" + rows)
    return TableTask(str(folder / "rows.csv"), name="own", first="text", label="label")


def test_a_tokenizer_that_knows_nothing_is_refused_before_anything_is_lived(tmp_path):
    task = table(tmp_path, ["Zebras quarrel loudly", "Mountains erode slowly"])
    with pytest.raises(UserError, match=r"its tokenizer knows 0% of the tokens of '.*', so nothing can be learned"):
        simulate(life(Learn(task, by=weights(1))), tmp_path / "run")
    (tmp_path / "corpus.txt").write_text("Zebras quarrel loudly.\n\nMountains erode slowly.\n")
    with pytest.raises(UserError, match="nothing can be learned"):
        simulate(life(Develop(TextFiles(str(tmp_path / "corpus.txt")), steps=1)), tmp_path / "run")
    assert not (tmp_path / "run" / "store").exists()


def test_many_unknown_words_are_told_and_recorded(tmp_path):
    told, task = Hearing(), table(tmp_path, ["the dog quarrels .", "the dog erodes ."])
    simulate(life(Learn(task, by=weights(1)), Learn(TASKS[0], by=weights(1))), tmp_path / "run", observer=told)
    assert any("25% of the tokens of" in text and "unknown" in text for text in told.said)
    (found,) = json.loads((tmp_path / "run" / "study.json").read_text())["checks"].values()
    assert found[task.title] == {"unknown": 0.25, "cut": 0.0} and found[TASKS[0].title]["unknown"] == 0.0
    told.said = []
    simulate(life(Learn(task, by=weights(1)), Learn(TASKS[0], by=weights(1))), tmp_path / "run", observer=told)
    assert told.said == [] and json.loads((tmp_path / "run" / "study.json").read_text())["checks"]


def test_a_folder_without_tokenizer_files_is_refused_by_a_plan(tmp_path):
    folder = saved("bert", tmp_path)
    plan_for(life(Probe(Score()), subject=Pretrained(str(folder))))
    for file in folder.iterdir():
        if "token" in file.name or "vocab" in file.name:
            file.unlink()
    with pytest.raises(UserError, match="has no tokenizer files"):
        plan_for(life(Probe(Score()), subject=Pretrained(str(folder))))


def test_folders_that_are_none_and_models_without_a_masked_one_are_refused_by_a_plan(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UserError, match="there is no such folder"):
        plan_for(life(subject=Pretrained("~/absent")))
    folder = saved("bert", tmp_path)
    assert plan_for(life(subject=Pretrained("~/bert")))
    assert Pretrained("~/bert").build(Streams(0, "birth")).encoder.config.model_type == "bert"
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "gpt2"}))
    with pytest.raises(UserError, match="'gpt2', which has no masked-language model"):
        plan_for(life(subject=Pretrained(str(folder))))


def test_checking_a_folder_needs_no_torch(tmp_path):
    folder = str(saved("bert", tmp_path))
    told = f"import sys; from lifespan import Pretrained; Pretrained({folder!r}).check(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout == "False\n"


def test_an_embedding_smaller_than_the_vocabulary_is_refused(tmp_path):
    from transformers import AutoModelForMaskedLM

    folder = saved("bert", tmp_path)
    model = AutoModelForMaskedLM.from_pretrained(folder)
    model.resize_token_embeddings(20)
    model.save_pretrained(folder)
    with pytest.raises(UserError, match=r"knows tokens up to number \d+, but its encoder has 20 embeddings"):
        simulate(life(Learn(TASKS[0], by=weights(1)), subject=Pretrained(str(folder))), tmp_path / "run")


def test_texts_are_cut_where_positions_end_and_it_is_told(tmp_path):
    task = table(tmp_path, ["the cat " * 40, "the dog " * 40])
    folder = saved("roberta", tmp_path)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings.pop("model_max_length", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    told = Hearing()
    outcome = simulate(life(Learn(task, by=weights(1)), subject=Pretrained(str(folder))), tmp_path / "run", observer=told)
    assert outcome.done == 1
    assert any("reads 65 tokens at most, so 100% of the texts" in text for text in told.said)


@pytest.mark.parametrize("positions", [30, 33])
def test_padding_never_goes_beyond_the_positions(tmp_path, positions):
    body = Micro(layers=1, width=16, heads=2, feed_forward=32, positions=positions).build(Streams(0, "birth"))
    assert positions_of(body.encoder) == positions
    tokens = Tokens(body.tokenizer, ["the cat " * 40, "the dog"], None, 128)
    batch = tokens.collate(torch.arange(2).numpy())
    assert batch["input_ids"].shape == (2, positions)
    study = life(
        Develop(MicroText(number=50), steps=1), Learn(TASKS[0], by=weights(1)), subject=Micro(positions=positions, layers=1)
    )
    assert simulate(study, tmp_path).done == 1
