import json
import shutil
from pathlib import Path

import pytest

from rules.loader import LIBRARY
from rules.pack import Pack, load_pack


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """The shipped facts with their codes and units, without the rules: what is wrong with a rule is not wrong here."""
    folder = tmp_path_factory.mktemp("vocabulary")
    for name in ("facts.yaml", "library.yaml", "scale.yaml", "sources.yaml"):
        _copy(Path(name), folder)
    for module in ("red-flags", "causes", "order-checks"):
        _copy(Path(module) / "module.yaml", folder)
    for name in ("suggestions", "safety-net"):
        (folder / f"{name}.yaml").write_text(json.dumps({name: {}}))
    for name in ("intake", "terminology", "value-sets"):
        shutil.copytree(LIBRARY / name, folder / name)
    complaint = {"title": "a leg complaint", "when": {"fact": "leg-pain", "is": "present"}}
    (folder / "definitions.yaml").write_text(json.dumps({"definitions": {"leg-complaint": complaint}}))
    return load_pack(folder)


def _copy(name: Path, folder: Path) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    shutil.copyfile(LIBRARY / name, folder / name)
