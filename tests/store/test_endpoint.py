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
        ("redis://a:7000,b,[::1]:7002", Endpoint("a", 7000, others=(("b", 6379), ("::1", 7002)))),
        (
            "rediss://ann:p%40,s@a,b/1",
            Endpoint(
                "a", tls=True, username="ann", password="p@,s", database=1, others=(("b", 6379),)
            ),
        ),
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
        ("redis://:secret@db,,db2", "names no host"),
        ("redis://:secret@db,", "names no host"),
        ("redis://:secret@db,db2:port", "not a URL"),
        ("redis://:secret@db,[::1", "not a URL"),
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
        ("redis://ann:secret@a,[::1]:2", "redis://ann@a:6379,[::1]:2/0"),
    ],
)
def test_text_hides_the_password(url: str, text: str) -> None:
    endpoint = parse_url(url)
    assert endpoint.password == "secret"
    assert str(endpoint) == text
    assert "secret" not in repr(endpoint)


def test_seeds_share_the_way_in() -> None:
    endpoint = parse_url("rediss://ann:pw@a,b:2/3")
    assert endpoint.seeds() == [
        Endpoint("a", tls=True, username="ann", password="pw", database=3),
        Endpoint("b", 2, tls=True, username="ann", password="pw", database=3),
    ]
