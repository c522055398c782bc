import stat
from collections.abc import Iterable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from service.records.vault import KEY_FILE, Vault, VaultError


def a_key_file(folder: Path, lines: Iterable[bytes], mode: int = 0o600) -> Path:
    place = folder / KEY_FILE
    place.write_bytes(b"".join(line + b"\n" for line in lines))
    place.chmod(mode)
    return place


def test_a_new_key_file_holds_one_key_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    Vault.open(tmp_path)

    place = tmp_path / KEY_FILE
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert len(place.read_bytes().splitlines()) == 1
    assert list(tmp_path.iterdir()) == [place]


def test_what_was_encrypted_can_be_read_after_a_restart(tmp_path: Path) -> None:
    key_id, encrypted = Vault.open(tmp_path).encrypt(b"ferritin 32")

    assert Vault.open(tmp_path).decrypt(key_id, encrypted) == b"ferritin 32"


def test_the_encrypted_bytes_do_not_hold_the_plain_ones(tmp_path: Path) -> None:
    _, encrypted = Vault.open(tmp_path).encrypt(b"ferritin 32")

    assert b"ferritin" not in encrypted


def test_the_same_facts_are_encrypted_differently_each_time(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path)

    assert vault.encrypt(b"ferritin 32") != vault.encrypt(b"ferritin 32")


def test_the_newest_key_encrypts_and_older_ones_still_decrypt(tmp_path: Path) -> None:
    old, new = Fernet.generate_key(), Fernet.generate_key()
    a_key_file(tmp_path, [old])
    old_id, encrypted = Vault.open(tmp_path).encrypt(b"ferritin 32")
    a_key_file(tmp_path, [new, old])
    vault = Vault.open(tmp_path)

    new_id, _ = vault.encrypt(b"ferritin 32")

    assert new_id != old_id
    assert vault.decrypt(old_id, encrypted) == b"ferritin 32"


def test_neither_repr_nor_key_id_shows_a_key(tmp_path: Path) -> None:
    key = Fernet.generate_key()
    a_key_file(tmp_path, [key])
    vault = Vault.open(tmp_path)

    key_id, _ = vault.encrypt(b"")

    assert repr(vault) == f"Vault(1 key, newest {key_id})"
    assert key_id not in key.decode()


def test_facts_of_a_key_that_is_not_in_the_file_name_that_key(tmp_path: Path) -> None:
    place = a_key_file(tmp_path, [Fernet.generate_key()])
    key_id, encrypted = Vault.open(tmp_path).encrypt(b"ferritin 32")
    a_key_file(tmp_path, [Fernet.generate_key()])

    with pytest.raises(VaultError) as caught:
        Vault.open(tmp_path).decrypt(key_id, encrypted)

    assert str(caught.value) == (
        f"{place}: these facts were encrypted with key {key_id}, which is not in the file. "
        "Add its line from the backup of the file, below the newest key."
    )


@pytest.mark.parametrize("position", [0, 9, -1])
def test_a_changed_byte_is_found(tmp_path: Path, position: int) -> None:
    vault = Vault.open(tmp_path)
    key_id, encrypted = vault.encrypt(b"ferritin 32")
    changed = bytearray(encrypted)
    changed[position] ^= 1

    with pytest.raises(VaultError, match="damaged or were changed"):
        vault.decrypt(key_id, bytes(changed))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    a_key_file(tmp_path, [Fernet.generate_key()], mode)

    with pytest.raises(VaultError, match=rf"open to other users \(mode {mode:04o}\).*chmod 600"):
        Vault.open(tmp_path)


KEY = b"zG4wB1bJ9rLxg4mU0o6mX0l9mJ9m0f8m4cN3n3h4a1s="
DAMAGE = {
    "cut off": KEY[:-4],
    "one letter more": b"A" + KEY,
    "a letter that base64 has not": KEY[:10] + b"!" + KEY[11:],
    "a letter too many that Fernet would skip": KEY[:10] + b"!" + KEY[10:],
    "a space before it": b" " + KEY,
    "not text": b"\xff\x00",
    "an empty line": b"",
}


@pytest.mark.parametrize("line", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_key_file_is_refused_with_the_line_but_without_its_content(tmp_path: Path, line: bytes) -> None:
    a_key_file(tmp_path, [KEY, line])

    with pytest.raises(VaultError, match="line 2 is not a key") as caught:
        Vault.open(tmp_path)

    assert KEY[:8].decode() not in str(caught.value)


def test_an_empty_key_file_is_refused_rather_than_filled(tmp_path: Path) -> None:
    place = a_key_file(tmp_path, [])

    with pytest.raises(VaultError, match="the key file is empty"):
        Vault.open(tmp_path)

    assert place.read_bytes() == b""


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=r"cannot be read or made \(No such file or directory\)"):
        Vault.open(tmp_path / "missing")


def test_a_pseudonym_is_the_same_after_a_restart_and_under_a_newer_key(tmp_path: Path) -> None:
    old, new = Fernet.generate_key(), Fernet.generate_key()
    a_key_file(tmp_path, [old])
    before = Vault.open(tmp_path).pseudonym("patient", "p1")
    a_key_file(tmp_path, [new, old])

    assert Vault.open(tmp_path).pseudonym("patient", "p1") == before


def test_pseudonyms_of_other_parts_or_another_key_differ(tmp_path: Path) -> None:
    a_key_file(tmp_path, [Fernet.generate_key()])
    vault = Vault.open(tmp_path)
    names = {vault.pseudonym("a", "b"), vault.pseudonym("ab"), vault.pseudonym("a", "b", ""), vault.pseudonym('a", "b')}
    a_key_file(tmp_path, [Fernet.generate_key()])
    names.add(Vault.open(tmp_path).pseudonym("a", "b"))

    assert len(names) == 5
