"""Store URLs."""

from __future__ import annotations

import pytest

from server.store.endpoint import Endpoint, StoreError, parse_url


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("redis://localhost", Endpoint()),
        ("valkey://localhost", Endpoint()),
        (" redis://db:7000/3 ", Endpoint("db", 7000, database=3)),
        ("redis://db:7000?db=3", Endpoint("db", 7000, database=3)),
        ("rediss://db", Endpoint("db", tls=True)),
        ("valkeys://db:1/", Endpoint("db", 1, tls=True)),
        ("redis://:p%40ss@db", Endpoint("db", password="p@ss")),
        ("redis://ann:pw@db", Endpoint("db", username="ann", password="pw")),
        ("redis://[::1]:7000", Endpoint("::1", 7000)),
        ("unix:///run/a%20b.sock", Endpoint(unix_path="/run/a b.sock")),
        ("unix:///s?db=2", Endpoint(unix_path="/s", database=2)),
        (
            "unix://ann:pw@/run/s",
            Endpoint(unix_path="/run/s", username="ann", password="pw"),
        ),
    ],
)
def test_parsed(url: str, endpoint: Endpoint) -> None:
    assert parse_url(url) == endpoint


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "not with ''"),
        ("localhost:6379", "not with 'localhost'"),
        ("http://:secret@db", "not with 'http'"),
        ("redis://", "names no host"),
        ("redis://:secret@", "names no host"),
        ("redis://:secret@db:port", "not a URL"),
        ("redis://:secret@db:99999", "not a URL"),
        ("redis://:secret@[::1", "not a URL"),
        ("redis://:secret@db/zero", "must be a number"),
        ("redis://:secret@db/-1", "must be a number"),
        ("redis://db?password=secret", "option that means nothing here: 'password'"),
        ("redis://:secret#1@db", "not a URL"),
        ("unix://tmp/s", "absolute path"),
        ("unix://", "absolute path"),
    ],
)
def test_refused_without_repeating_the_password(url: str, complaint: str) -> None:
    with pytest.raises(StoreError, match=complaint) as refusal:
        parse_url(url)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("redis://ann:secret@db", "redis://ann@db:6379/0"),
        ("rediss://:secret@[::1]:7000/2", "rediss://[::1]:7000/2"),
        ("unix://ann:secret@/run/s", "unix:///run/s?db=0"),
    ],
)
def test_text_hides_the_password(url: str, text: str) -> None:
    endpoint = parse_url(url)
    assert endpoint.password == "secret"
    assert str(endpoint) == text
    assert "secret" not in repr(endpoint)
