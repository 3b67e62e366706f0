"""Coming in and going out: register, login, hello, logout."""

from __future__ import annotations

from protocol.frames import Hello, Login, Logout, Register

from ..peer import Peer
from ..services import Services


def register(services: Services, peer: Peer, frame: Register) -> None:
    """Open an account and come in."""
    services.entrance.register(peer, frame)


def login(services: Services, peer: Peer, frame: Login) -> None:
    """Come in with a password."""
    services.entrance.login(peer, frame)


def hello(services: Services, peer: Peer, frame: Hello) -> None:
    """Come in with a token, and resume."""
    services.entrance.hello(peer, frame)


def logout(services: Services, peer: Peer, frame: Logout) -> None:
    """Revoke this connection's token, and go."""
    services.entrance.logout(peer, frame)
