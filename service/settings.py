"""Every setting: name, unit, default, why. Read once, in cli.py, from its options and the environment (RECUMBENT_…)."""

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from cds_hooks.profiles import Profile
from service.fhir.transport import is_loopback

__all__ = ["Settings", "is_loopback"]

_PREFIX = "RECUMBENT_"
_FHIR_BASE = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.\-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?(/[A-Za-z0-9_~\-][A-Za-z0-9._~\-]*)*/?"
)


class Settings(BaseSettings):
    """The safe setting needs no setting: loopback only, no cross-origin callers, facts encrypted."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(
        default="127.0.0.1", description="address to listen on; loopback only while no client is registered"
    )
    port: int = Field(default=8080, ge=1, le=65535, description="port to listen on")
    data: Path = Field(default=Path("data"), description="folder of the decision store and its keys")
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s?#]+$",
        description="address that EHRs use; links on cards begin with it",
    )
    library: Path | None = Field(default=None, description="folder of the rule library; the shipped one if not set")
    modules: Annotated[frozenset[Literal["red-flags", "causes", "order-checks"]], NoDecode] = Field(
        default=frozenset(("red-flags", "causes", "order-checks")),
        description="rule modules that are switched on",
    )
    profile: Profile | Literal["auto"] = Field(
        default="auto",
        description="kind of client that calls; auto recognizes Epic by its extensions, and takes others as generic",
    )
    fhir_servers: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        description="FHIR base addresses that calls may name, to fetch what their prefetch lacks; none, so nothing is",
    )
    fhir_seconds: float = Field(default=2.0, gt=0, le=30, description="seconds for all that is fetched for one call")
    max_calls: int = Field(default=32, ge=1, description="hook calls in hand at once; one more gets a 503")
    max_body_bytes: int = Field(default=8 << 20, ge=1024, description="bytes; a whole synthetic history has 4 MiB")

    demo: bool = Field(
        default=False, description="demonstration on this machine: the public sandbox may be registered as a client"
    )

    @field_validator("host")
    @classmethod
    def _address(cls, host: str) -> str:
        """A name could stand for another address tomorrow."""
        if host != "localhost":
            try:
                ipaddress.ip_address(host)
            except ValueError:
                raise ValueError(
                    "this is not an IP address. Write one, such as 127.0.0.1, or 0.0.0.0 for all."
                ) from None
        return host

    @model_validator(mode="after")
    def _reached_safely(self) -> Self:
        """Tokens and patient data go over the network only encrypted; a token is for the address that clients know."""
        if self.public_url is not None and not self.public_url.startswith("https:") and not _is_local(self.public_url):
            raise ValueError("public_url must be an https address, except on this machine.")
        if not is_loopback(self.host):
            if self.public_url is None:
                raise ValueError("RECUMBENT_PUBLIC_URL is needed where host is not a loopback address (127.0.0.1).")
            if self.demo:
                raise ValueError("a demonstration can serve a loopback address (127.0.0.1) alone.")
        return self

    @field_validator("modules", mode="before")
    @classmethod
    def _listed(cls, modules: object) -> object:
        """From the environment: names with anything between them, such as commas, or a JSON list."""
        return frozenset(re.findall(r"[\w-]+", modules)) if isinstance(modules, str) else modules

    @field_validator("fhir_servers", mode="before")
    @classmethod
    def _addresses(cls, servers: object) -> object:
        """From the environment: addresses with commas or spaces between them, or a JSON list."""
        addresses = r"https?://[^\s,\"]+|[^\s,\"\[\]]+"
        return frozenset(re.findall(addresses, servers)) if isinstance(servers, str) else servers

    @field_validator("fhir_servers")
    @classmethod
    def _fhir_servers(cls, servers: frozenset[str]) -> frozenset[str]:
        """Tokens are sent there, so that each must be a plain address, and encrypted unless it is this machine."""
        for server in servers:
            plain = _FHIR_BASE.fullmatch(server)
            if plain is None or (plain["scheme"] == "http" and not is_loopback(plain["host"])):
                raise ValueError(
                    "each FHIR server is a base address such as https://ehr.example.org/fhir: https (http on loopback "
                    "only), lower-case host, no user, query or dots in the path, as the EHR sends it in fhirServer."
                )
        return frozenset(server.rstrip("/") for server in servers)

    @model_validator(mode="after")
    def _no_unknown_variables(self) -> Self:
        """A misspelt setting would be silently ignored, and the default used."""
        known = {f"{_PREFIX}{name}".upper() for name in type(self).model_fields}
        unknown = sorted(name for name in os.environ if name.upper().startswith(_PREFIX) and name.upper() not in known)
        if unknown:
            raise ValueError(
                f"{', '.join(unknown)} in the environment is not a setting. Settings are: {', '.join(sorted(known))}."
            )
        return self

    @property
    def local(self) -> bool:
        """Whether nobody but this machine can call, as far as host and public_url tell."""
        return is_loopback(self.host) and (self.public_url is None or _is_local(self.public_url))

    @property
    def client_profile(self) -> Profile | None:
        """None where the client is to be recognized by what it sends."""
        return None if self.profile == "auto" else self.profile

    @property
    def base_url(self) -> str:
        """The public address without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")


def _is_local(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
