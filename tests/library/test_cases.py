"""Every case of every cases.yaml is one test, named module/rule: case."""

import pytest

from rules.cases import run_case
from rules.engine.errors import LibraryError
from rules.engine.rule import Case
from rules.loader import Loaded
from rules.pack import Pack, load_pack


def shipped_cases() -> list[tuple[str, str, Case]]:
    """All cases; none where the library cannot be read, which test_shipped.py reports in full."""
    try:
        library = load_pack().library
    except LibraryError:
        return []
    return [(module, rule, case) for (module, rule), cases in sorted(library.cases.items()) for case in cases]


CASES = shipped_cases()


@pytest.mark.parametrize(
    ("module", "name", "case"), CASES, ids=[f"{module}/{name}: {case.name}" for module, name, case in CASES]
)
def test_a_case_holds(shipped_pack: Pack, module: str, name: str, case: Case) -> None:
    loaded = Loaded(shipped_pack.library, shipped_pack.rules, shipped_pack.terminology, shipped_pack.orders)
    rule = next(rule for of, rule in shipped_pack.library.rules() if (of, rule.id) == (module, name))

    assert run_case(loaded, module, rule, case) == []
