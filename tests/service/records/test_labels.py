"""The book of labels: what is kept of each pack, and what is found when another one is loaded."""

from datetime import timedelta
from pathlib import Path

import pytest

from rules.label import decode
from rules.pack import Pack, load_pack
from service.records.labels import LabelBook, open_labels
from service.storage.database import Store, StoreError, open_store
from tests.builders import AS_OF
from tests.mini_library import CAUSE, FLAG, write_library
from tests.service.logs import caught_logs

RULE = "causes/restless-legs-syndrome"
LIMITS = "Another sentence on what it misses."


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "data")


def a_pack(folder: Path, *changes: tuple[str, str, str], **parts: str) -> Pack:
    """A mini library after changes of (file, text, other text), as a pack."""
    library = write_library(folder, **parts)  # type: ignore[arg-type]  # texts only
    for file, old, new in changes:
        text = (library / file).read_text(encoding="utf-8")
        assert old in text
        (library / file).write_text(text.replace(old, new), encoding="utf-8")
    return load_pack(library)


def opened(store: Store, *packs: Pack) -> LabelBook:
    """The book after these packs were loaded one after the other, a day apart."""
    for day, pack in enumerate(packs):
        book = open_labels(store, pack, AS_OF + timedelta(days=day))
    return book


def rows(store: Store) -> int:
    with store.reading() as connection:
        (count,) = connection.execute("SELECT count(*) FROM rule_label").fetchone()
    return int(count)


def test_every_rule_of_the_loaded_pack_is_found(store: Store, tmp_path: Path) -> None:
    pack = a_pack(tmp_path / "one")
    book = opened(store, pack)
    found = {f"{module}/{rule.id}": book.find(f"{module}/{rule.id}", 3) for module, rule in pack.library.rules()}

    assert {rule: (each.loaded, each.loaded_version) for rule, each in found.items() if each} == {
        "red-flags/cauda-equina-syndrome": (True, 3),
        RULE: (True, 3),
    }


def test_a_second_start_with_the_same_pack_writes_nothing(store: Store, tmp_path: Path) -> None:
    pack = a_pack(tmp_path / "one")
    opened(store, pack)
    before = store.path.read_bytes()
    opened(store, pack)

    assert store.path.read_bytes() == before
    assert rows(store) == 2


def test_an_earlier_version_is_still_found_after_a_newer_one_is_loaded(store: Store, tmp_path: Path) -> None:
    newer = ("causes/restless-legs-syndrome/rule.yaml", '"version": 3', '"version": 4')
    book = opened(store, a_pack(tmp_path / "one"), a_pack(tmp_path / "two", newer))
    old, new = book.find(RULE, 3), book.find(RULE, 4)

    assert old is not None
    assert new is not None
    assert (old.loaded, old.loaded_version, decode(old.content).version) == (False, 4, 3)
    assert (new.loaded, new.loaded_version, decode(new.content).version) == (True, 4, 4)
    assert (old.others, new.others) == ((), ())


def test_a_rule_that_another_library_does_not_hold_is_still_found(store: Store, tmp_path: Path) -> None:
    other = load_pack(write_library(tmp_path / "two", causes={"another-cause": CAUSE}, flags={"a-flag": FLAG}))
    found = opened(store, a_pack(tmp_path / "one"), other).find(RULE, 3)

    assert found is not None
    assert (found.loaded, found.loaded_version) == (False, None)


def test_a_retired_rule_of_the_loaded_pack_is_found(store: Store, tmp_path: Path) -> None:
    book = opened(store, a_pack(tmp_path / "one", status="retired"))
    found = book.find("red-flags/cauda-equina-syndrome", 3)

    assert found is not None
    assert (found.loaded, decode(found.content).status) == (True, "retired")


def test_two_texts_under_one_version_are_both_kept_and_the_log_says_so(store: Store, tmp_path: Path) -> None:
    first, second = a_pack(tmp_path / "one"), a_pack(tmp_path / "two", limits=LIMITS)
    opened(store, first)
    with caught_logs() as logs:
        book = opened(store, second)
    found = book.find(RULE, 3)

    assert found is not None
    (earlier,) = found.others
    again = book.find(RULE, 3, earlier.sha256)
    assert again is not None
    assert decode(found.content).limits == LIMITS
    assert decode(again.content).limits != LIMITS
    assert earlier.text_sha256 != found.stored.text_sha256
    assert (again.loaded, again.loaded_version, again.others) == (False, 3, (found.stored,))
    assert '"rules-changed-without-a-version"' in logs.getvalue()
    assert f"{RULE} 3" in logs.getvalue()


def test_a_changed_value_set_is_another_content_of_the_same_text(store: Store, tmp_path: Path) -> None:
    change = ("value-sets/restless-legs.json", "Restless legs", "Restless legs syndrome")
    with caught_logs() as logs:
        found = opened(store, a_pack(tmp_path / "one"), a_pack(tmp_path / "two", change)).find(RULE, 3)

    assert found is not None
    assert [each.text_sha256 == found.stored.text_sha256 for each in found.others] == [True]
    assert logs.getvalue() == ""


def test_going_back_to_an_earlier_pack_shows_its_content_again(store: Store, tmp_path: Path) -> None:
    first, second = a_pack(tmp_path / "one"), a_pack(tmp_path / "two", limits=LIMITS)
    found = opened(store, first, second, first).find(RULE, 3)

    assert found is not None
    assert decode(found.content).limits != LIMITS
    assert (found.stored.pack_id, found.stored.stored_at) == (first.id, AS_OF)
    assert rows(store) == 4


def test_of_a_version_that_is_not_loaded_the_newest_content_is_shown(store: Store, tmp_path: Path) -> None:
    newer = ("causes/restless-legs-syndrome/rule.yaml", '"version": 3', '"version": 4')
    packs = a_pack(tmp_path / "one"), a_pack(tmp_path / "two", limits=LIMITS), a_pack(tmp_path / "three", newer)
    found = opened(store, *packs).find(RULE, 3)

    assert found is not None
    assert (decode(found.content).limits, len(found.others)) == (LIMITS, 1)


@pytest.mark.parametrize(
    ("rule", "version", "sha256"),
    [
        (RULE, 4, None),
        ("red-flags/restless-legs-syndrome", 3, None),
        ("causes/' or 1=1 --", 3, None),
        (RULE, 3, "0" * 64),
        (RULE, 3, ""),
        (RULE, 3, "%"),
    ],
)
def test_what_was_never_loaded_is_not_found(
    rule: str, version: int, sha256: str | None, store: Store, tmp_path: Path
) -> None:
    assert opened(store, a_pack(tmp_path / "one")).find(rule, version, sha256) is None


def test_a_content_is_found_only_under_its_own_rule_and_version(store: Store, tmp_path: Path) -> None:
    book = opened(store, a_pack(tmp_path / "one"))
    flag = book.find("red-flags/cauda-equina-syndrome", 3)

    assert flag is not None
    assert book.find(RULE, 3, flag.stored.sha256) is None


def test_a_database_that_is_gone_is_an_error_and_not_an_unknown_rule(store: Store, tmp_path: Path) -> None:
    book = opened(store, a_pack(tmp_path / "one"))
    store.path.unlink()

    with pytest.raises(StoreError):
        book.find(RULE, 3)
