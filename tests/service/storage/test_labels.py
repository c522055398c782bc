"""Stored labels: each content once, none replaced."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import Session, select

from service.storage.database import StoreError, open_store
from service.storage.labels import LabelStore, StoredLabel
from service.storage.tables import RuleLabelRow
from tests.builders import AS_OF

LABEL = StoredLabel("a1", "causes/sciatica", 2, "t1", "sha256:p1", AS_OF)


@pytest.fixture
def labels(tmp_path: Path) -> LabelStore:
    return LabelStore(open_store(tmp_path))


def test_a_label_is_found_as_it_was_stored(labels: LabelStore) -> None:
    labels.keep([(LABEL, b'{"title": "Sciatica"}')])

    assert labels.of_version("causes/sciatica", 2) == (LABEL,)
    assert labels.content("a1") == b'{"title": "Sciatica"}'
    assert labels.known() == {"a1"}


def test_what_was_never_stored_is_not_found(labels: LabelStore) -> None:
    labels.keep([(LABEL, b"{}")])

    assert labels.of_version("causes/sciatica", 1) == ()
    assert labels.of_version("red-flags/sciatica", 2) == ()
    assert labels.content("a2") is None


def test_two_contents_of_one_version_are_both_kept_newest_first(labels: LabelStore) -> None:
    other = replace(LABEL, sha256="a2", text_sha256="t2", pack_id="sha256:p2")
    labels.keep([(LABEL, b"1")])
    labels.keep([(other, b"2")])

    assert labels.of_version("causes/sciatica", 2) == (other, LABEL)
    assert (labels.content("a1"), labels.content("a2")) == (b"1", b"2")


def test_the_same_content_again_changes_nothing(labels: LabelStore) -> None:
    labels.keep([(LABEL, b"1")])
    labels.keep([(replace(LABEL, pack_id="sha256:p2"), b"1")])

    assert labels.of_version("causes/sciatica", 2) == (LABEL,)


def test_the_rows_are_those_of_the_table(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    LabelStore(store).keep([(LABEL, b"1")])

    with Session(store.engine) as session:
        (row,) = session.exec(select(RuleLabelRow)).all()
    assert (row.sha256, row.rule, row.version, row.text_sha256) == ("a1", "causes/sciatica", 2, "t1")
    assert (row.pack_id, row.stored_at) == ("sha256:p1", AS_OF)


def test_a_label_that_cannot_be_stored_is_an_error_in_our_words(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    labels = LabelStore(store)
    store.path.unlink()

    with pytest.raises(StoreError, match="cannot be opened"):
        labels.keep([(LABEL, b"1")])
    with pytest.raises(StoreError, match="cannot be opened"):
        labels.known()
