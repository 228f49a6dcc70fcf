"""The torchvision trap, both ways: a broken companion is mended, a healthy one is left alone."""

import subprocess
import sys
import textwrap

BROKEN = """
import torch
@torch.library.register_fake("torchvision::nms")
def meta_nms(dets, scores, iou_threshold): ...
"""

HEALTHY = """
import torch
_library = torch.library.Library("torchvision", "DEF")
_library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
_library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
_library.impl("nms", lambda dets, scores, iou_threshold: scores.argsort(descending=True), "CPU")
"""


def run(tmp_path, torchvision, code):
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(torchvision)
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n" + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


def test_a_broken_torchvision_fails_without_the_mend(tmp_path):
    done = run(tmp_path, BROKEN, "import torchvision")
    assert "operator torchvision::nms does not exist" in done.stderr


def test_a_broken_torchvision_imports_after_the_mend(tmp_path):
    code = """
    from lifespan.subjects._torchvision import mend_torchvision
    print(mend_torchvision(), mend_torchvision())
    import torchvision
    """
    done = run(tmp_path, BROKEN, code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['nms', 'qnms'] []"


def test_a_healthy_torchvision_is_left_alone(tmp_path):
    code = """
    import torchvision, torch
    from lifespan.subjects._torchvision import mend_torchvision
    print(mend_torchvision(), torch.ops.torchvision.nms(torch.rand(2, 4), torch.tensor([0.1, 0.9]), 0.5).tolist())
    """
    done = run(tmp_path, HEALTHY, code)
    assert done.stdout.strip() == "[] [1, 0]", done.stderr


def test_without_torchvision_nothing_happens():
    from lifespan.subjects import _torchvision as compat

    if compat.importlib.util.find_spec("torchvision") is None:
        assert compat.mend_torchvision() == []
