"""
The keys that facts are encrypted with: one file beside the database, readable by its owner alone.

    facts.keys      one Fernet key a line, newest first: the first encrypts, all of them decrypt, and the last one gives
                    pseudonyms

A backup of the database without this file holds no readable facts. A backup with both does: keep them apart.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from rules.engine.errors import RecumbentError

__all__ = ["KEY_FILE", "Vault", "VaultError"]

KEY_FILE = "facts.keys"
_KEY_BYTES = 32
_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class VaultError(RecumbentError):
    """The key file cannot be used, or facts cannot be decrypted with it. Its text holds no key and no facts."""


class Vault:
    """
    Encrypts and decrypts facts, and gives pseudonyms.

    Args:
        keys: key id → cipher, newest first; must not be empty.
        naming: the key of pseudonyms.
        place: the key file, named in messages.
    """

    __slots__ = ("_keys", "_naming", "_newest", "_place")

    def __init__(self, keys: Mapping[str, Fernet], naming: bytes, place: Path) -> None:
        self._keys = dict(keys)
        self._naming = naming
        self._newest = next(iter(self._keys.items()))
        self._place = place

    def __repr__(self) -> str:
        return f"Vault({len(self._keys)} key{'s' if len(self._keys) != 1 else ''}, newest {self._newest[0]})"

    @classmethod
    def open(cls, folder: Path, *, used: bool = False) -> "Vault":
        """
        The vault of a data folder; makes the key file when there is none and none was used.

        Args:
            folder: the data folder, which exists.
            used: facts were encrypted before; a new key would leave them unreadable without a word.

        Raises:
            VaultError: the file is gone though it was used, it cannot be read or made, others may read it, or a line of
                it is no key.
        """
        place = folder / KEY_FILE
        try:
            if not place.exists():
                if used:
                    raise VaultError(
                        f"{place}: the key file is missing, and the database beside it holds facts encrypted with it. "
                        "Restore the file from its backup; if there is none, start anew in another data folder."
                    )
                _make(place)
            content = _read(place)
        except OSError as error:
            raise VaultError(
                f"{place}: the key file cannot be read or made ({error.strerror}). "
                "Make the folder writable for the user that runs the program, or restore the file from its backup."
            ) from error
        # Of the oldest key, so that a new one on top changes no pseudonym.
        return cls(_parse(content, place), _naming_key(content.splitlines()[-1]), place)

    def encrypt(self, plain: bytes) -> tuple[str, bytes]:
        """
        Encrypt with the newest key.

        Returns:
            id of that key, and the encrypted bytes.
        """
        key_id, cipher = self._newest
        # A Fernet token is base64; as bytes it takes a quarter less of the database.
        return key_id, base64.urlsafe_b64decode(cipher.encrypt(plain))

    def decrypt(self, key_id: str, encrypted: bytes) -> bytes:
        """
        What was encrypted.

        Raises:
            VaultError: there is no key with this id, or the bytes are not what it encrypted.
        """
        cipher = self._keys.get(key_id)
        if cipher is None:
            raise VaultError(
                f"{self._place}: these facts were encrypted with key {key_id}, which is not in the file. "
                "Add its line from the backup of the file, below the newest key."
            )
        try:
            return cipher.decrypt(base64.urlsafe_b64encode(encrypted))
        except InvalidToken:
            # Not chained: the error beneath says no more, and its frames hold the bytes.
            raise VaultError(
                f"{self._place}: these facts are damaged or were changed: they are not what key {key_id} encrypted. "
                "Restore the record from a backup of the database."
            ) from None

    def pseudonym(self, *parts: str) -> str:
        """
        A name for something whose own name must not be stored: the same parts always give the same 32 hexadecimal
        digits, and without the key nobody can tell from which. It lasts as long as the oldest key of the file.
        """
        return hmac.digest(self._naming, json.dumps(parts).encode(), "sha256").hex()[:32]


def _make(place: Path) -> None:
    """
    Make the file with one new key.

    The key is written and synced under another name first, and then linked: the file is whole from the first moment it
    has its name, another process that starts now can neither read half of it nor replace it, and no facts are ever
    encrypted with a key that a power failure could take away.
    """
    handle, draft = tempfile.mkstemp(prefix=f".{KEY_FILE}-", dir=place.parent)  # O_EXCL, for the owner alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # the other process was first; its key is as good
            place.hardlink_to(draft)
    finally:
        Path(draft).unlink()
    _sync_folder(place.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(place: Path) -> bytes:
    with place.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & _FOR_OTHERS:
            raise VaultError(
                f"{place}: the key file is open to other users (mode {mode:04o}), so its keys may be known to them. "
                f"Run: chmod 600 {KEY_FILE}; and replace the keys if someone may have read them."
            )
        return file.read()


def _parse(content: bytes, place: Path) -> dict[str, Fernet]:
    keys = {}
    for number, line in enumerate(content.splitlines(), start=1):
        if not _is_key(line):
            raise VaultError(
                f"{place}: line {number} is not a key. A key is 44 characters of URL-safe base64 on a line of its own. "
                "Restore the file from its backup: without it, the facts recorded so far cannot be read."
            )
        keys[_key_id(line)] = Fernet(line)
    if not keys:
        raise VaultError(
            f"{place}: the key file is empty. Restore it from its backup: without it, the facts recorded so far cannot "
            "be read. If nothing was recorded yet, delete the file, and a new one is made."
        )
    return keys


def _is_key(line: bytes) -> bool:
    """Stricter than Fernet, which skips characters outside of the alphabet and so may read a damaged key as another."""
    try:
        key = base64.b64decode(line, altchars=b"-_", validate=True)
    except binascii.Error:
        return False
    return len(key) == _KEY_BYTES and base64.urlsafe_b64encode(key) == line


def _naming_key(key: bytes) -> bytes:
    return hashlib.sha256(b"recumbent pseudonym key " + key).digest()


def _key_id(key: bytes) -> str:
    """Names a key in the database without telling anything about it; computed, so that no file has to hold it."""
    return hashlib.sha256(b"recumbent facts key " + key).hexdigest()[:16]
