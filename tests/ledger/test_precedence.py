"""Errors by descending precedence: each table begins with everything wrong and mends one thing a
line. Every refusal leaves the ledger byte-identical. One suite for the store and the model."""

from __future__ import annotations

import pytest

from protocol.money import AMOUNT_MAX
from server.ledger.conditions import Change, Op
from server.ledger.posts import Post
from server.ledger.status import Status
from tests.single import keys_of

from . import builders as b
from .asked import ASKED
from .ledgers import ModelLedger, StoreLedger
from .spread import SpreadLedger

MAX = AMOUNT_MAX
TEA = keys_of("#tea").members
LATER = 2**43
"""A time in ms that is far ahead."""
ROOMS = [f"#room{n}" for n in range(b.ROOMS_MAX)]

# @alice has 100, @ice and @cold are frozen with 50 each, @rich has all other USD that can be,
# @busy is in as many rooms as one may be, @gone has closed their account, @out is suspended with
# 50. #tea is alice's, with bob, ice and rich in it, and @rea and @mut with 50 each, of whom one may
# only read and the other not write yet; #club is cold's alone.
WORLD = [
    b.register("r", "@alice", 100),
    b.register("r", "@bob"),
    b.register("r", "@ice", 50),
    b.register("r", "@cold", 50),
    b.register("r", "@rich", MAX - 350),
    b.register("r", "@busy"),
    b.register("r", "@gone"),
    *(b.register("r", who, 50) for who in ("@out", "@rea", "@mut")),
    b.create("c", "@alice", "#tea"),
    *(b.join("j", who, "#tea") for who in ("@bob", "@ice", "@rich", "@rea", "@mut")),
    b.given(b.message("x", "@alice", "#tea"), Change(TEA, Op.PUT, "@rea", "reader")),
    b.given(b.message("y", "@alice", "#tea"), Change(TEA, Op.PUT, "@mut", f"member {LATER}")),
    b.create("c", "@cold", "#club"),
    *(b.create(f"c{n}", "@busy", room) for n, room in enumerate(ROOMS)),
    b.deposit("euro", "@bob", 1, "EUR"),
    b.freeze("f1", "@ice"),
    b.freeze("f2", "@cold"),
    b.suspend("s", "@out"),
    b.close("e", "@gone"),
]

#           id     from    to      amount  currency  room   status
PAYMENT = """
payment     used   @ice    @ghost  MAX     XXX       #void  ID_REUSED
payment     old1   @ice    @ghost  MAX     XXX       #void  ID_TOO_OLD
payment     new    @ghost  @ghost  MAX     XXX       #void  UNKNOWN_ACCOUNT
payment     new    @ice    @ghost  MAX     XXX       #void  UNKNOWN_ACCOUNT
payment     new    @gone   @gone   MAX     XXX       #void  UNKNOWN_ROOM
payment     new    @gone   @gone   MAX     XXX       #club  ACCOUNT_CLOSED
payment     new    @gone   @alice  MAX     XXX       #club  ACCOUNT_CLOSED
payment     new    @ice    @gone   MAX     XXX       #club  ACCOUNT_CLOSED
payment     new    @ice    @ice    MAX     XXX       #club  SAME_ACCOUNT
payment     new    @ice    @cold   MAX     XXX       #club  NOT_A_MEMBER
payment     new    @rea    @out    MAX     XXX       #tea   READ_ONLY
payment     new    @mut    @out    MAX     XXX       #tea   MUTED 8796093022208
payment     new    @ice    @out    MAX     XXX       #tea   SUSPENDED
payment     new    @out    @cold   MAX     XXX       -      SUSPENDED
payment     new    @ice    @cold   MAX     XXX       #tea   ACCOUNT_FROZEN
payment     new    @alice  @cold   MAX     XXX       #tea   PARTY_FROZEN
payment     new    @alice  @rich   MAX     XXX       #tea   CURRENCY_UNKNOWN
payment     new    @alice  @rich   MAX     USD       #tea   BALANCE_OVERFLOW
payment     new    @alice  @bob    MAX     USD       #tea   INSUFFICIENT_FUNDS 100
payment     new    @alice  @bob    101     USD       #tea   INSUFFICIENT_FUNDS 100
payment     new    @alice  @bob    1       EUR       #tea   INSUFFICIENT_FUNDS 0
payment     new    @alice  @bob    100     USD       #tea   OK
payment     new    @alice  @bob    1       USD       -      OK
payment     new    @rea    @bob    1       USD       -      OK
payment     new    @rich   @bob    BIG     USD       -      OK
"""
DEPOSIT = """
deposit     used   $world  @ghost  MAX     XXX       -      ID_REUSED
deposit     old1   $world  @ghost  MAX     XXX       -      ID_TOO_OLD
deposit     new    $world  @ghost  MAX     XXX       -      UNKNOWN_ACCOUNT
deposit     new    $world  @gone   MAX     XXX       -      ACCOUNT_CLOSED
deposit     new    $world  @out    MAX     XXX       -      SUSPENDED
deposit     new    $world  @cold   MAX     XXX       -      PARTY_FROZEN
deposit     new    $world  @rich   MAX     XXX       -      CURRENCY_UNKNOWN
deposit     new    $world  @rich   MAX     USD       -      BALANCE_OVERFLOW
deposit     new    $world  @bob    1       USD       -      BALANCE_OVERFLOW
deposit     new    $world  @bob    MAX     EUR       -      BALANCE_OVERFLOW
deposit     new    $world  @alice  MAX     EUR       -      BALANCE_OVERFLOW
deposit     new    $world  @alice  MAX     GBP       -      OK
"""
MESSAGE = """
message     used   @alice  @ghost  -       -         -      ID_REUSED
message     old1   @alice  @ghost  -       -         -      ID_TOO_OLD
message     new    @alice  @ghost  -       -         -      UNKNOWN_ACCOUNT
message     new    @alice  @gone   -       -         -      ACCOUNT_CLOSED
message     new    @alice  @out    -       -         -      SUSPENDED
message     new    @alice  @alice  -       -         -      OK
message     new    @ice    @cold   -       -         -      OK
message     new    @alice  #void   -       -         -      UNKNOWN_ROOM
message     new    @alice  #club   -       -         -      NOT_A_MEMBER
message     new    @rea    #tea    -       -         -      READ_ONLY
message     new    @mut    #tea    -       -         -      MUTED 8796093022208
message     new    @bob    #tea    -       -         -      OK
read        new    @alice  @ghost  -       -         -      UNKNOWN_ACCOUNT
read        new    @alice  @gone   -       -         -      OK
read        new    @alice  @out    -       -         -      OK
read        new    @busy   #tea    -       -         -      NOT_A_MEMBER
read        new    @rea    #tea    -       -         -      OK
read        new    @mut    #tea    -       -         -      OK
"""
ROOM = """
create      used   @busy   #tea    -       -         -      ID_REUSED
create      old1   @busy   #tea    -       -         -      ID_TOO_OLD
create      new    @busy   #tea    -       -         -      NAME_TAKEN
create      new    @busy   #new    -       -         -      LIMIT_EXCEEDED 5
create      new    @alice  #new    -       -         -      OK
join        used   @busy   #void   -       -         -      ID_REUSED
join        old1   @busy   #void   -       -         -      ID_TOO_OLD
join        new    @busy   #void   -       -         -      UNKNOWN_ROOM
join        new    @busy   #room0  -       -         -      ALREADY_A_MEMBER
join        new    @busy   #tea    -       -         -      LIMIT_EXCEEDED 5
join        new    @bob    #club   -       -         -      OK
leave       used   @alice  #void   -       -         -      ID_REUSED
leave       old1   @alice  #void   -       -         -      ID_TOO_OLD
leave       new    @alice  #void   -       -         -      UNKNOWN_ROOM
leave       new    @alice  #club   -       -         -      NOT_A_MEMBER
leave       new    @rea    #tea    -       -         -      OK
leave       new    @mut    #tea    -       -         -      OK
leave       new    @busy   #room0  -       -         -      OK
"""
ACCOUNT = """
register    used   @alice  -       1       XXX       -      ID_REUSED
register    old1   @alice  -       1       XXX       -      ID_TOO_OLD
register    new    @alice  -       1       XXX       -      NAME_TAKEN
register    new    @gone   -       1       XXX       -      NAME_TAKEN
register    new    @eve    -       1       XXX       -      CURRENCY_UNKNOWN
register    new    @eve    -       1       USD       -      BALANCE_OVERFLOW
register    new    @eve    -       7       GBP       -      OK
register    new    @eve    -       -       -         -      OK
freeze      used   $world  @ghost  -       -         -      ID_REUSED
freeze      old1   $world  @ghost  -       -         -      ID_TOO_OLD
freeze      new    $world  @ghost  -       -         -      UNKNOWN_ACCOUNT
freeze      new    $world  @gone   -       -         -      ACCOUNT_CLOSED
freeze      new    $world  @out    -       -         -      OK
freeze      new    $world  @alice  -       -         -      OK
freeze      new    $world  @cold   -       -         -      OK
thaw        new    $world  @ghost  -       -         -      UNKNOWN_ACCOUNT
thaw        new    $world  @cold   -       -         -      OK
thaw        new    $world  @alice  -       -         -      OK
suspend     used   $world  @ghost  -       -         -      ID_REUSED
suspend     old1   $world  @ghost  -       -         -      ID_TOO_OLD
suspend     new    $world  @ghost  -       -         -      UNKNOWN_ACCOUNT
suspend     new    $world  @gone   -       -         -      ACCOUNT_CLOSED
suspend     new    $world  @alice  -       -         -      OK
suspend     new    $world  @cold   -       -         -      OK
restore     new    $world  @out    -       -         -      OK
close       used   @ghost  -       -       -         -      ID_REUSED
close       old1   @ghost  -       -       -         -      ID_TOO_OLD
close       new    @ghost  -       -       -         -      UNKNOWN_ACCOUNT
close       new    @gone   -       -       -         -      ACCOUNT_CLOSED
close       new    @alice  -       -       -         -      NOT_EMPTY
close       new    @cold   -       -       -         -      NOT_EMPTY
close       new    @busy   -       -       -         -      OK
"""
CASES = [
    line.split() for line in (PAYMENT + DEPOSIT + MESSAGE + ROOM + ACCOUNT).split("\n") if line
]


def _post(kind: str, id: str, sender: str, to: str, amount: str, currency: str, room: str) -> Post:
    units = {"-": 0, "MAX": MAX, "BIG": MAX - 350}.get(amount) or int(amount.replace("-", "0"))
    made = {
        "payment": lambda: b.payment(id, sender, to, units, currency, room.strip("-")),
        "deposit": lambda: b.deposit(id, to, units, currency),
        "message": lambda: b.message(id, sender, to),
        "register": lambda: b.register(id, sender, units, currency),
        "create": lambda: b.create(id, sender, to),
        "join": lambda: b.join(id, sender, to),
        "leave": lambda: b.leave(id, sender, to),
        "freeze": lambda: b.freeze(id, to),
        "thaw": lambda: b.thaw(id, to),
        "suspend": lambda: b.suspend(id, to),
        "restore": lambda: b.suspend(id, to, suspended=False),
        "close": lambda: b.close(id, sender),
        "read": lambda: b.read(id, sender, to),
    }
    return made[kind]()


OF_ONE_PARTITION = """
payment     new    @alice  @rich   MAX     USD       #tea   BALANCE_OVERFLOW
deposit     new    $world  @bob    1       USD       -      BALANCE_OVERFLOW
deposit     new    $world  @alice  MAX     EUR       -      BALANCE_OVERFLOW
register    new    @eve    -       1       USD       -      BALANCE_OVERFLOW
payment     new    @mut    @out    MAX     XXX       #tea   MUTED 8796093022208
message     new    @alice  @gone   -       -         -      ACCOUNT_CLOSED
message     new    @alice  @out    -       -         -      SUSPENDED
"""
"""Where partitions differ: each has a `$world` of its own, which may give as much; only the payee's
knows that a balance is full, after the payer's has judged all else; only a room's knows until when
somebody is muted; and words are refused by the partition of who they are for, once they are there.
"""
NEAR_ONLY = [line.split() for line in OF_ONE_PARTITION.split("\n") if line]


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_first_thing_wrong_is_the_answer(
    case: list[str], ledger: StoreLedger | ModelLedger | SpreadLedger
):
    if isinstance(ledger, SpreadLedger) and case in NEAR_ONLY:
        pytest.skip("is said of a store with one partition")
    set_up = ledger.apply(WORLD)
    assert {result[0] for result in set_up[1:]} == {Status.OK}
    post = _post(*case[:7])
    if post.id == "used":
        ledger.use_id(post)
    before, kept = ledger.dump(), ledger.contents()
    status, detail = case[7], [word.encode() for word in case[8:]]

    _, result = ledger.apply([post])

    assert Status(result[0]).name == status
    if status == "OK":
        assert ledger.dump() != before
        return
    assert ledger.dump() == before
    assert ledger.contents() == kept
    if status != "ID_REUSED":  # which carries the mark
        assert result[1:] == detail


def test_every_status_is_reached():
    by_table = {Status[case[7]] for case in CASES}
    # Duplicates are in test_contract, damage is in test_corruption, lanes in test_lanes; what two
    # people think of each other is in test_pairs, what posts may ask besides in test_asks.
    elsewhere = {status for status in Status if status >= Status.CORRUPT} | {Status.DUPLICATE}
    pairs = {Status.BLOCKED, Status.NOT_ACCEPTED, Status.REQUEST_PENDING, Status.NO_REQUEST}
    assert by_table | elsewhere | pairs | ASKED == set(Status)


def test_every_kind_is_tried():
    kinds = (
        "payment deposit message read register create join leave freeze thaw suspend restore close"
    )
    assert {case[0] for case in CASES} == set(kinds.split())
