"""What two people think of each other: requests, blocks, and money that waits. One suite for the
store and the model, in one partition and in sixteen."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from protocol.frames import Accept, Block, Decline, Delete, PaymentEntry, Ref, Unblock
from server.ledger import routing
from server.ledger.entries import read_entry
from server.ledger.keys import Keyspace
from server.ledger.legs import LegKind
from server.ledger.lookups import hint_of
from server.ledger.offers import give_back, take
from server.ledger.pairs import COUNTED_MAX, REQUESTS_MAX, half_of
from server.ledger.posts import Mark, Post
from server.ledger.records import CLOSED, parse_record
from server.ledger.status import DONE, Status
from server.ledger.waiting import Offer, parse_offer
from tests.single import KEYS

from . import builders as b
from .carrier import Carrier, leg_lanes
from .ledgers import ModelLedger, TwinLedger

OK, WAITING, ANSWERED = Status.OK, Status.WAITING, Status.ANSWERED
DAY_MS = 86_400_000
FAR = Keyspace(16)


class Street:
    """@alice and @bob with 100 USD each, who do not know each other, and @carl; in a store and the
    model at once, in one partition or in several."""

    def __init__(self, ledger: TwinLedger) -> None:
        self.ledger = ledger
        self.keyspace = ledger.keyspace
        self.carrier = Carrier(ledger, asks=True)
        for who in ("@alice", "@bob", "@carl"):
            self.do(b.register("r", who, 100))

    @property
    def near(self) -> bool:
        return self.keyspace.partitions == 1

    def post(self, post: Post, asks: bool = True) -> Post:
        """`post`, aimed in this keyspace; of words and payments, as strangers are met here."""
        anew = b.aimed_anew(self.keyspace, post)
        return b.asking(anew, asks) if _to_a_person(post) else anew

    def do(self, post: Post, asks: bool = True) -> Status:
        """What becomes of `post`, also where it arrives."""
        self.carrier.asks = asks
        return self.apply(self.post(post, asks))

    def apply(self, post: Post) -> Status:
        post.hint = hint_of(post.lookups, [self.ledger.ask(one) for one in post.lookups])
        (result,) = self.ledger.apply([post])[1:]
        status = Status(int(result[0]))
        if status in DONE:
            for arrive, came in self.carrier.carry(leg_lanes(post)):
                if came[0] == Status.RETURNED:
                    status = Status(int(came[1]))
                elif came[0] == WAITING and arrive.extra.leg.kind is LegKind.PERSON:
                    status = WAITING
        self.ledger.compare()
        return status

    def half(self, own: str, other: str) -> str:
        keys = self.keyspace.of(own)
        return half_of(
            self.ledger.scalar(self.keyspace.pair(keys.partition, own, other)), own, other
        )

    def money(self, name: str) -> tuple[int, int]:
        """Available and held, in USD."""
        record = parse_record(self.ledger.scalar(self.keyspace.of(name).record) or b"")
        has = record.balances["USD"]
        return has.available, has.held

    def offers(self, payee: str) -> list[Offer]:
        fields = self.ledger.contents().get(self.keyspace.of(payee).offers, {})
        return [parse_offer(field, stored) for field, stored in fields.items()]

    def contacts(self, name: str) -> set[bytes]:
        return set(self.ledger.contents().get(self.keyspace.of(name).contacts, ()))

    def told(self, name: str) -> list[tuple[str, str]]:
        """Type and state, or reason, of everything in a box behind the opening balance."""
        stored = self.ledger.entries(self.keyspace.of(name).box)[1:]
        entries = [read_entry(one, name, seq) for seq, one in enumerate(stored, 2)]
        return [
            (
                type(entry).__struct_config__.tag,
                getattr(entry, "state", "") or getattr(entry, "reason", ""),
            )
            for entry in entries
        ]

    def end(self, payee: str, give: bool = False, age_ms: int = 0) -> list[Status]:
        """Take, or give back, all that waits at `payee`."""
        keys = self.keyspace.of(payee)
        found = []
        for offer in self.offers(payee):
            post = give_back(self.keyspace, keys, offer, age_ms) if give else None
            found.append(self.apply(post or take(self.keyspace, keys, offer)))
        return found

    def everything(self) -> int:
        """All money of the three, and what is in suspense."""
        contents = self.ledger.contents()
        keys = [self.keyspace.of(who).record for who in ("@alice", "@bob", "@carl")]
        keys += [self.keyspace.suspense(p).record for p in range(self.keyspace.partitions)]
        records = [parse_record(contents[key]) for key in keys if key in contents]
        return sum(has.available + has.held for one in records for has in one.balances.values())


def _to_a_person(post: Post) -> bool:
    return getattr(post.entry, "to", "#")[0] == "@" and post.who[0] == "@"


@pytest.fixture(params=[1, 16])
def street(request: pytest.FixtureRequest, client) -> Street:
    return Street(TwinLedger(client, KEYS if request.param == 1 else FAR))


def test_the_people_of_these_tests_live_apart_where_there_are_partitions():
    assert len({FAR.partition_of(who) for who in ("@alice", "@bob", "@carl")}) == 3


# --- words ---


def test_who_writes_first_accepts_and_the_other_is_asked(street: Street):
    assert street.do(b.message("1", "@alice", "@bob")) is OK
    assert (street.half("@alice", "@bob"), street.half("@bob", "@alice")) == ("A", "1")
    assert street.contacts("@alice") == {b"@bob"}
    assert street.contacts("@bob") == {b"@alice"}


def test_a_stranger_may_ask_so_often_and_no_more(street: Street):
    for number in range(REQUESTS_MAX):
        assert street.do(b.message(f"{number}", "@alice", "@bob")) is OK
    before = street.ledger.entries(street.keyspace.of("@bob").box)
    assert street.do(b.message("more", "@alice", "@bob")) is Status.REQUEST_PENDING
    assert street.ledger.entries(street.keyspace.of("@bob").box) == before
    assert street.half("@bob", "@alice") == str(REQUESTS_MAX)


def test_an_answer_accepts(street: Street):
    for number in range(REQUESTS_MAX):
        street.do(b.message(f"{number}", "@alice", "@bob"))
    assert street.do(b.message("a", "@bob", "@alice")) is ANSWERED
    assert street.half("@bob", "@alice") == "A"
    assert street.do(b.message("b", "@bob", "@alice")) is OK
    assert street.do(b.message("c", "@alice", "@bob")) is OK


def test_words_to_oneself_ask_nobody(street: Street):
    assert street.do(b.message("1", "@alice", "@alice")) is OK
    assert street.contacts("@alice") == set()


def test_where_strangers_are_welcome_they_are_accepted_at_once(street: Street):
    for number in range(REQUESTS_MAX + 2):
        assert street.do(b.message(f"{number}", "@alice", "@bob"), asks=False) is OK
    assert (street.half("@alice", "@bob"), street.half("@bob", "@alice")) == ("A", "A")


def test_a_marker_of_a_stranger_is_refused_and_where_they_are_welcome_it_is_not(street: Street):
    assert street.do(b.read("1", "@alice", "@bob")) is Status.NOT_ACCEPTED
    assert street.contacts("@alice") == set()
    assert street.do(b.read("2", "@alice", "@bob"), asks=False) is OK


def test_whoever_was_asked_may_mark_what_they_read(street: Street):
    street.do(b.message("1", "@alice", "@bob"))
    assert street.do(b.read("2", "@bob", "@alice")) is OK
    assert street.half("@bob", "@alice") == "1"
    assert street.do(b.read("3", "@alice", "@bob")) is Status.NOT_ACCEPTED


@pytest.mark.parametrize("asked", range(REQUESTS_MAX + 1))
def test_deletions_of_a_stranger_follow_a_request_and_are_few(street: Street, asked: int):
    for number in range(asked):
        street.do(b.message(f"{number}", "@alice", "@bob"))
    told = [street.do(_deletion(f"d{number}")) for number in range(COUNTED_MAX + 1)]
    done = COUNTED_MAX - asked if asked else 0
    why = Status.REQUEST_PENDING if asked else Status.NOT_ACCEPTED
    assert told == [OK] * done + [why] * (COUNTED_MAX + 1 - done)
    assert len(street.told("@bob")) == asked + done
    street.do(b.decide(Accept, "a", "@bob", "@alice"))
    assert street.do(_deletion("e")) is (OK if asked else why)


def test_who_has_accepted_the_other_deletes_as_much_as_they_like(street: Street):
    street.do(b.message("m", "@alice", "@bob"))
    street.do(b.decide(Accept, "a", "@bob", "@alice"))
    for number in range(COUNTED_MAX + 1):
        assert street.do(_deletion(f"d{number}")) is OK


def test_deletions_leave_room_for_no_more_requests(street: Street):
    street.do(b.message("m", "@alice", "@bob"))
    for number in range(REQUESTS_MAX):
        assert street.do(_deletion(f"d{number}")) is OK
    assert street.do(b.message("n", "@alice", "@bob")) is Status.REQUEST_PENDING


def test_the_same_words_again_are_a_duplicate_and_no_second_request(street: Street):
    post = b.message("1", "@alice", "@bob")
    street.do(post)
    assert street.do(post) is Status.DUPLICATE
    assert street.half("@bob", "@alice") == "1"


def test_a_duplicate_is_answered_though_the_other_has_blocked_meanwhile(street: Street):
    post = b.message("1", "@alice", "@bob")
    street.do(post)
    street.do(b.decide(Block, "b", "@bob", "@alice"))
    assert street.do(post) is Status.DUPLICATE


# --- decisions ---

DECIDED = [
    (Accept, "-", Status.NO_REQUEST),
    (Accept, "1", "A"),
    (Accept, "3", "A"),
    (Accept, "A", Status.NO_REQUEST),
    (Accept, "D", "A"),
    (Accept, "B", Status.BLOCKED),
    (Decline, "-", Status.NO_REQUEST),
    (Decline, "1", "D"),
    (Decline, "A", Status.NO_REQUEST),
    (Decline, "D", Status.NO_REQUEST),
    (Decline, "B", Status.NO_REQUEST),
    (Block, "-", "B"),
    (Block, "1", "B"),
    (Block, "A", "B"),
    (Block, "D", "B"),
    (Block, "B", "B"),
    (Unblock, "-", Status.NO_REQUEST),
    (Unblock, "1", Status.NO_REQUEST),
    (Unblock, "A", Status.NO_REQUEST),
    (Unblock, "D", Status.NO_REQUEST),
    (Unblock, "B", "A"),
]


def _deletion(id: str) -> Post:
    return b.build(KEYS, "@alice", Delete(id, "@bob", Ref("@alice", id)))


def _reach(street: Street, half: str) -> None:
    """Let @bob think so of @alice."""
    for number in range(int(half) if half.isdigit() else half in "AD"):
        street.do(b.message(f"{number}", "@alice", "@bob"))
    if half in "AD":
        street.do(b.decide(Accept if half == "A" else Decline, "reach", "@bob", "@alice"))
    if half == "B":
        street.do(b.decide(Block, "reach", "@bob", "@alice"))
    assert street.half("@bob", "@alice") == half


@pytest.mark.parametrize(("frame", "half", "then"), DECIDED)
def test_decision(street: Street, frame, half: str, then: Status | str):
    _reach(street, half)
    before = street.ledger.dump()
    status = street.do(b.decide(frame, "d", "@bob", "@alice"))
    if isinstance(then, Status):
        assert status is then
        assert street.ledger.dump() == before
        return
    assert status in (OK, ANSWERED)
    assert street.half("@bob", "@alice") == then
    assert street.told("@bob")[-1][0] == frame.__struct_config__.tag
    told = [kind for kind, _ in street.told("@alice")]
    assert frame.__struct_config__.tag not in told


def test_nobody_decides_about_who_is_not_there(street: Street):
    decided = b.decide(Block, "b", "@bob", "@ghost")
    assert street.do(decided) is Status.UNKNOWN_ACCOUNT


@pytest.mark.parametrize("half", ["B", "D"])
def test_who_is_blocked_or_declined_is_refused_words_and_money(street: Street, half: str):
    _reach(street, half)
    money = street.money("@alice"), street.money("@bob")
    assert street.do(b.message("m", "@alice", "@bob")) is Status.NOT_ACCEPTED
    assert street.do(b.payment("p", "@alice", "@bob", 10)) is Status.NOT_ACCEPTED
    assert street.do(b.read("z", "@alice", "@bob")) is Status.NOT_ACCEPTED
    assert (street.money("@alice"), street.money("@bob")) == money


def test_who_blocks_is_told_to_unblock_first(street: Street):
    street.do(b.decide(Block, "b", "@bob", "@alice"))
    assert street.do(b.message("m", "@bob", "@alice")) is Status.BLOCKED
    assert street.do(b.payment("p", "@bob", "@alice", 10)) is Status.BLOCKED
    assert street.do(b.decide(Unblock, "u", "@bob", "@alice")) is ANSWERED
    assert street.do(b.payment("q", "@bob", "@alice", 10)) is WAITING


def test_who_declined_and_then_writes_accepts(street: Street):
    _reach(street, "D")
    assert street.do(b.message("m", "@bob", "@alice")) is ANSWERED
    assert street.half("@bob", "@alice") == "A"
    assert street.do(b.message("n", "@alice", "@bob")) is OK


# --- money ---


def _offered(street: Street, amount: int = 30) -> Post:
    post = street.post(b.payment("p", "@alice", "@bob", amount))
    assert street.apply(post) is WAITING
    return post


def test_money_of_a_stranger_waits(street: Street):
    post = _offered(street)
    assert street.money("@alice") == (70, 0)
    assert street.money("@bob") == (100, 30)
    (offer,) = street.offers("@bob")
    assert offer[:4] == ("@alice", "p", 30, "USD")
    assert offer.lane == ("" if street.near else str(FAR.partition_of("@alice")))
    assert street.told("@bob") == [("payment", "waiting")]
    assert street.told("@alice") == [("payment", "waiting" if street.near else "accepted")]
    mark = Mark(street.ledger.scalar(post.mark) or b"")
    assert (mark.state, mark.available) == ("waiting" if street.near else "accepted", 70)
    assert mark.digest == post.digest


def test_money_that_waits_cannot_be_spent(street: Street):
    _offered(street)
    street.do(b.message("m", "@carl", "@bob"))
    refused = street.do(b.payment("q", "@bob", "@carl", 101))
    assert refused is Status.INSUFFICIENT_FUNDS


def test_what_is_not_there_is_refused_and_does_not_wait(street: Street):
    assert street.do(b.payment("p", "@alice", "@bob", 101)) is Status.INSUFFICIENT_FUNDS
    assert street.half("@bob", "@alice") == "-"


def test_an_offer_is_a_request_like_words(street: Street):
    for number in range(REQUESTS_MAX):
        assert street.do(b.payment(f"{number}", "@alice", "@bob", 1)) is WAITING
    assert street.do(b.payment("x", "@alice", "@bob", 1)) is Status.REQUEST_PENDING
    assert street.money("@alice") == (97, 0)


def test_money_that_answers_a_request_is_settled(street: Street):
    street.do(b.message("m", "@alice", "@bob"))
    assert street.do(b.payment("p", "@bob", "@alice", 10)) is ANSWERED
    assert street.money("@alice") == (110, 0)


def test_money_shown_in_a_room_waits_there_too(street: Street):
    street.do(b.create("c", "@alice", "#tea"))
    assert street.do(b.payment("p", "@alice", "@bob", 10, room="#tea")) is WAITING
    stored = street.ledger.entries(street.keyspace.of("#tea").box)[-1]
    entry = read_entry(stored, "#tea", 1)
    assert isinstance(entry, PaymentEntry)
    assert entry.state == ("waiting" if street.near else "accepted")


def test_accepted_money_becomes_the_payees_once(street: Street):
    _offered(street)
    (offer,) = street.offers("@bob")
    street.do(b.decide(Accept, "a", "@bob", "@alice"))
    again = take(street.keyspace, street.keyspace.of("@bob"), offer)
    assert street.end("@bob") == [OK]
    assert street.money("@bob") == (130, 0)
    assert street.offers("@bob") == []
    assert street.told("@bob")[-1] == ("settled", "")
    assert street.told("@alice")[-1] == ("settled", "")
    assert street.told("@alice").count(("settled", "")) == 1
    assert street.apply(again) is Status.DUPLICATE
    assert street.money("@bob") == (130, 0)


def test_twice_in_one_call_is_once(street: Street):
    _offered(street)
    street.do(b.decide(Accept, "a", "@bob", "@alice"))
    keys = street.keyspace.of("@bob")
    (offer,) = street.offers("@bob")
    posts = [take(street.keyspace, keys, offer) for _ in range(2)]
    results = street.ledger.apply(posts)[1:]
    assert [result[0] for result in results] == [OK, Status.DUPLICATE]
    street.ledger.compare()


@pytest.mark.parametrize("frame", [Decline, Block])
def test_declined_money_goes_back(street: Street, frame):
    _offered(street)
    street.do(b.decide(frame, "d", "@bob", "@alice"))
    assert street.end("@bob", give=True) == [OK]
    assert (street.money("@alice"), street.money("@bob")) == ((100, 0), (100, 0))
    assert street.told("@alice")[-1] == ("returned", "not_accepted")
    assert street.told("@bob")[-1] == ("returned", "not_accepted")
    assert street.everything() == 300


def test_nothing_happens_before_the_payee_has_decided(street: Street):
    _offered(street)
    before = street.ledger.dump()
    assert street.end("@bob") == [Status.NO_REQUEST]
    assert street.end("@bob", give=True) == [Status.NO_REQUEST]
    assert street.end("@bob", give=True, age_ms=DAY_MS) == [Status.NO_REQUEST]
    assert street.ledger.dump() == before


def test_nothing_of_the_opposite_happens(street: Street):
    _offered(street)
    street.do(b.decide(Accept, "a", "@bob", "@alice"))
    assert street.end("@bob", give=True) == [Status.NO_REQUEST]
    street.do(b.decide(Block, "b", "@bob", "@alice"))
    assert street.end("@bob") == [Status.NO_REQUEST]
    assert street.end("@bob", give=True) == [OK]


def test_an_offer_that_nobody_answers_goes_back_when_it_is_old(street: Street):
    _offered(street)
    (offer,) = street.offers("@bob")
    keys = street.keyspace.of("@bob")
    while True:  # a millisecond must pass
        post = give_back(street.keyspace, keys, offer, age_ms=1)
        status = street.apply(post)
        if status is not Status.NO_REQUEST:
            break
    assert status is OK
    assert street.told("@alice")[-1] == ("returned", "request_pending")
    assert street.money("@alice") == (100, 0)


def test_an_old_offer_that_is_accepted_does_not_go_back(street: Street):
    _offered(street)
    (offer,) = street.offers("@bob")
    street.do(b.decide(Accept, "a", "@bob", "@alice"))
    for _ in range(3):  # milliseconds pass
        post = give_back(street.keyspace, street.keyspace.of("@bob"), offer, age_ms=1)
        assert street.apply(post) is Status.NO_REQUEST


def test_in_a_room_elsewhere_it_is_said_that_the_money_waits(client):
    street = Street(TwinLedger(client, Keyspace(2)))
    of = street.keyspace.partition_of
    payee = next(who for who in ("@bob", "@carl") if of(who) == of("@alice"))
    room = next(f"#tea{n}" for n in range(99) if of(f"#tea{n}") != of("@alice"))
    assert street.do(b.create("c", "@alice", room)) is OK
    assert street.do(b.payment("p", "@alice", payee, 10, room=room)) is WAITING
    entry = read_entry(street.ledger.entries(street.keyspace.of(room).box)[-1], room, 1)
    assert isinstance(entry, PaymentEntry)
    assert entry.state == "waiting"


Lock = Callable[..., Post]
LOCKS: list[Lock] = [b.freeze, b.suspend]


@pytest.mark.parametrize("lock", LOCKS)
def test_who_is_locked_takes_nothing(street: Street, lock: Lock):
    _offered(street)
    street.do(b.decide(Accept, "a", "@bob", "@alice"))
    street.do(lock("f", "@bob"))
    before = street.everything()
    assert street.end("@bob") == [Status.ACCOUNT_FROZEN]
    assert street.end("@bob", give=True) == [Status.NO_REQUEST]  # it is theirs by now
    assert street.everything() == before
    street.do(lock("t", "@bob", False))
    assert street.end("@bob") == [OK]
    assert street.money("@bob") == (130, 0)


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("declined", [True, False], ids=["declined", "too old"])
def test_what_was_never_theirs_goes_back_though_they_are_locked(
    street: Street, lock: Lock, declined: bool
):
    _offered(street)
    street.do(lock("f", "@bob"))
    street.do(b.freeze("g", "@alice"))  # it comes home even to a frozen account
    (offer,) = street.offers("@bob")
    keys = street.keyspace.of("@bob")
    assert street.apply(give_back(street.keyspace, keys, offer)) is Status.NO_REQUEST
    if declined:
        street.do(b.decide(Decline, "d", "@bob", "@alice"))
        assert street.end("@bob", give=True) == [OK]
    else:
        while (status := street.apply(give_back(street.keyspace, keys, offer, 1))) is not OK:
            assert status is Status.NO_REQUEST  # until a millisecond has passed
    assert street.money("@alice") == (100, 0)
    assert street.money("@bob") == (100, 0)
    assert street.told("@alice")[-1][0] == "returned"
    assert street.told("@bob")[-1][0] == "returned"


def test_what_its_payer_cannot_have_back_is_put_into_suspense(street: Street):
    _offered(street, 100)
    own = street.keyspace.of("@alice")
    closing = Post(None, "x", None, "@alice", own.marks + b"x", b"close".ljust(16))
    routing.flag(street.keyspace, closing, own, "@alice", CLOSED, on=True)
    assert street.apply(closing) is OK
    street.do(b.decide(Decline, "d", "@bob", "@alice"))
    before = street.everything()
    assert street.end("@bob", give=True) == [Status.SUSPENSE if street.near else OK]
    keys = street.keyspace.of("@alice")
    vault = parse_record(
        street.ledger.scalar(street.keyspace.suspense(keys.partition).record) or b""
    )
    assert vault.balances["USD"].available == 100
    assert street.everything() == before
    assert street.money("@bob") == (100, 0)


@pytest.mark.parametrize("lock", [b.suspend, b.close])
def test_who_is_locked_out_meanwhile_is_still_told_that_it_was_taken(street: Street, lock):
    _offered(street, 100)
    street.do(lock("x", "@alice"))
    street.do(b.decide(Accept, "a", "@bob", "@alice"))
    assert street.end("@bob") == [OK]
    assert street.told("@alice")[-1] == ("settled", "")
    assert street.told("@bob")[-1] == ("settled", "")
    assert street.money("@bob") == (200, 0)


def test_an_offer_read_before_it_changed_ends_nothing(street: Street):
    _offered(street)
    street.do(b.decide(Accept, "a", "@bob", "@alice"))
    (offer,) = street.offers("@bob")
    forged = offer._replace(amount=3000, stored=offer.stored.replace(b"30 ", b"3000 ", 1))
    assert street.apply(take(street.keyspace, street.keyspace.of("@bob"), forged)) is Status.CORRUPT
    assert street.money("@bob") == (100, 30)


def test_a_model_alone_keeps_the_same_contract():
    ledger = ModelLedger()
    ledger.apply([b.register("r", "@alice", 100), b.register("r", "@bob")])
    (result,) = ledger.apply([b.asking(b.payment("p", "@alice", "@bob", 5))])[1:]
    assert result == [WAITING, 2, 1, 95, 0, 2, 0, 5, 1]


def test_what_somebody_erased_has_said_can_be_marked_as_read_and_ones_own_taken_back(
    street: Street,
):
    street.do(b.message("m", "@alice", "@bob"))
    street.do(b.message("n", "@bob", "@alice"))
    street.do(b.payment("p", "@bob", "@alice", 100))
    assert street.do(b.close("x", "@bob")) is OK
    for partition in range(street.keyspace.partitions):  # as an erasure does
        key = street.keyspace.pair(partition, "@alice", "@bob")
        street.ledger.client.delete(key)
        street.ledger.model.pairs.scalars.pop(key, None)
    assert street.do(b.read("z", "@alice", "@bob")) is OK
    assert street.do(_deletion("d")) is OK
    assert street.do(b.message("o", "@alice", "@bob")) is Status.ACCOUNT_CLOSED
    assert street.half("@bob", "@alice") == "-"
