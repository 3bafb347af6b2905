"""Addresses and keys: what a connection is made of. Nothing is connected here."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import ConfigError

Address = str | Sequence[str]
"""`HOST:PORT`, with `http://` or `https://` before it if you like; or several of `IP:PORT`."""

MAX_ANSWER_BYTES = 64 << 20
"""The most bytes of one answer; gRPC's own 4 MiB are few for a large batch over many classes."""

OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
    # Calls go to every address in turn, whether it is one of a list or one of those that a name stands for.
    ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
    # A server that was restarted is found again within a second; gRPC's own limit is two minutes.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # Without it a watch would wait for ever on a server that is cut off.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)
"""How every channel is made."""


@dataclass(frozen=True)
class Target:
    """Where a channel leads, as gRPC writes it, and whether it speaks TLS."""

    uri: str
    tls: bool


def target(address: Address) -> Target:
    """Read an address.

    Errors:
        `ConfigError` if it is none, or one of several is no number.
    """
    addresses = [address] if isinstance(address, str) else list(address)
    if not addresses:
        raise ConfigError("no address; `127.0.0.1:50051` would be one")
    parts = [_parts(each) for each in addresses]
    schemes = {scheme for scheme, _, _ in parts}
    if len(schemes) > 1:
        raise ConfigError("some addresses begin with https://, others do not; use the same for all")
    tls = schemes == {"https"}
    if len(parts) == 1:
        _, host, port = parts[0]
        return Target(f"dns:///{host}:{port}", tls)
    hosts = [(_ip(host), port) for _, host, port in parts]
    versions = {ip.version for ip, _ in hosts}
    if len(versions) > 1:
        raise ConfigError("gRPC balances over IPv4 or over IPv6 addresses, not over both; use one of them")
    listed = [f"[{ip}]:{port}" if ip.version == 6 else f"{ip}:{port}" for ip, port in hosts]
    return Target(f"ipv{versions.pop()}:{','.join(listed)}", tls)


_ADDRESS = re.compile(r"(?:(https?)://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})/?")


def _parts(address: str) -> tuple[str, str, str]:
    match = _ADDRESS.fullmatch(address)
    if match is None or not 0 < int(match[3]) < 65536:
        raise ConfigError(f"`{address}` is no address of a server; `127.0.0.1:50051` would be one")
    return match[1] or "http", match[2], match[3]


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        raise ConfigError(
            f"`{host}` is a name; several addresses are given by number. Calls to a single name are spread over "
            "all addresses that it stands for"
        ) from None


class ApiKey:
    """An API key. It is sent with each call and never shown.

    Errors:
        `ConfigError` if it is empty or holds anything but visible ASCII.
    """

    def __init__(self, key: str) -> None:
        if re.fullmatch(r"[!-~]+", key) is None:
            raise ConfigError("the API key is empty or has characters that no key has")
        self._key = key

    @classmethod
    def file(cls, path: str | os.PathLike[str]) -> ApiKey:
        """Read the key from a file, without the white space around it.

        Errors:
            `ConfigError` if it cannot be read or holds no key.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the API key: {error}") from error
        return cls(text.strip())

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The header that carries it."""
        return (("authorization", f"Bearer {self._key}"),)

    def __repr__(self) -> str:
        return "ApiKey(…)"


def api_key(key: str | ApiKey) -> ApiKey:
    """Take a key as text or ready made."""
    return key if isinstance(key, ApiKey) else ApiKey(key)
