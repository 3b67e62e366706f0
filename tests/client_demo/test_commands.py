"""What people type, and what it becomes."""

import pytest

from client_demo.commands import ROWS, CommandError, Context, manual, parse
from client_demo.commands.arguments import moment
from client_demo.commands.completion import Known, complete
from client_demo.lines import Line
from client_demo.paying import check

from .frames import as_hub_reads, message, payment

LINES = [
    Line.of(message(3, text="theirs"), 1),
    Line.of(message(4, sender="@alice", to="@bob", id="own", text="ours"), 2),
    Line.of(payment(5, 500, sender="@alice", to="@bob", id="paid"), 3),
]
NEWEST = {"from": "@bob", "id": "@bob3"}
OWN = {"from": "@alice", "id": "own"}
PAID = {"from": "@alice", "id": "paid"}


def context(here=None, currency="USD", selected=None):
    return Context(here, currency, "@alice", lambda _: LINES, selected)


def frame_of(line, here=None, **more):
    return parse(line, context(here, **more)).frame


def say(to, text, **more):
    return {"type": "message", "to": to, "text": text} | more


def pay(amount, currency="USD", **more):
    return {"type": "payment", "to": "@bob", "amount": amount, "currency": currency} | more


@pytest.mark.parametrize(
    ("line", "here", "frame"),
    [
        ("hello", "@bob", say("@bob", "hello")),
        ("@carol hello", "#tea", say("#tea", "@carol hello", mentions=["@carol"])),
        ("@all, @al x@bob.com @carol @carol", "#tea", "mentions=@all,@al,@carol"),
        ("@carol hello", "@bob", say("@bob", "@carol hello")),
        ("//not a command", "@bob", say("@bob", "/not a command")),
        ("@bob hello  there", None, say("@bob", "hello  there")),
        ("#tea hello", None, say("#tea", "hello")),
        ("/pay @bob 5.00 coffee", None, pay(500, text="coffee")),
        ("/pay @bob 5.00", None, pay(500)),
        ("/pay @bob 5.00 EUR two coffees", None, pay(500, "EUR", text="two coffees")),
        ("/pay @bob 5 JPY", None, pay(5, "JPY")),
        ("/pay @bob 5 eur", None, pay(500, "EUR")),
        ("/pay @bob 5 Eur tea", None, pay(500, "EUR", text="tea")),
        ("/pay @bob 5 USD XYZ", None, pay(500, text="XYZ")),
        ("/pay @bob 5 xyz", None, pay(500, text="xyz")),
        ("/pay 5.00 coffee", "@bob", pay(500, text="coffee")),
        ("/pay @bob 5.00", "#tea", pay(500, room="#tea")),
        ("/reply  yes,  sure", "@bob", say("@bob", "yes,  sure", ref=NEWEST)),
        ("/reply @bob ^4 yes", None, say("@bob", "yes", ref=OWN)),
        ("/thread ^4 more", "@bob", say("@bob", "more", thread=OWN)),
        ("/thread #tea ^4", None, {"type": "thread", "box": "#tea", "ref": OWN}),
        ("/thread ^4", "@bob", {"type": "thread", "box": "@alice", "ref": OWN}),
        ("/edit better", "@bob", {"type": "edit", "to": "@bob", "ref": OWN, "text": "better"}),
        ("/edit ^4 b", "@bob", {"type": "edit", "to": "@bob", "ref": OWN, "text": "b"}),
        ("/delete ^4", "@bob", {"type": "delete", "to": "@bob", "ref": OWN}),
        ("/delete ^3 me", "@bob", {"type": "delete", "to": "@bob", "ref": NEWEST, "only_me": True}),
        ("/delete note", "@bob", {"type": "delete", "to": "@bob", "ref": PAID, "note": True}),
        ("/react :heart:", "@bob", {"type": "react", "to": "@bob", "ref": NEWEST, "emoji": "❤"}),
        ("/react 🎻", "@bob", {"type": "react", "to": "@bob", "ref": NEWEST, "emoji": "🎻"}),
        ("/react tada off", "@bob", "emoji=🎉,remove=True"),
        ("/pin ^5", "@bob", {"type": "pin", "to": "@bob", "ref": PAID}),
        ("/pin #tea ^3 off", None, "to=#tea,remove=True"),
        (
            "/forward #tea ^3",
            "@bob",
            {"type": "forward", "to": "#tea", "ref": NEWEST, "box": "@alice", "seq": 3},
        ),
        ("/forward @bob #tea ^3", None, "to=@bob,box=#tea,seq=3"),
        ("/vanish 2h secret  words", "@bob", say("@bob", "secret  words", expires_s=7_200)),
        ("/conversations", None, {"type": "conversations"}),
        ("/history", "@bob", {"type": "history", "box": "@alice"}),
        ("/history #tea ^5", None, {"type": "history", "box": "#tea", "before": 5}),
        ("/history #tea 2026-11-22", None, "box=#tea,at=" + str(moment("2026-11-22"))),
        ("/search two words", None, {"type": "search", "words": "two words"}),
        ("/search in:#tea from:@bob money tea", None, "box=#tea,who=@bob,money=True,words=tea"),
        ("/search since:2026-11-22T14:30", None, "since=" + str(moment("2026-11-22T14:30"))),
        ("/accept", "@bob", {"type": "accept", "who": "@bob"}),
        ("/accept @carol", "#tea", {"type": "accept", "who": "@carol", "room": "#tea"}),
        ("/decline @bob #tea", None, {"type": "decline", "who": "@bob", "room": "#tea"}),
        ("/block @bob", "#tea", {"type": "block", "who": "@bob"}),
        ("/unblock", "@bob", {"type": "unblock", "who": "@bob"}),
        ("/quiet", "#tea", {"type": "arrange", "who": "#tea", "muted": True}),
        ("/keep @bob off", None, {"type": "arrange", "who": "@bob", "pinned": False}),
        ("/archive", "@bob", {"type": "arrange", "who": "@bob", "archived": True}),
        ("/create #tea", "@bob", {"type": "create", "room": "#tea"}),
        ("/create #tea ask Tea and talk", None, "access=ask,title=Tea and talk"),
        ("/create #tea Tea and talk", None, "title=Tea and talk"),
        ("/join #tea", None, {"type": "join", "room": "#tea"}),
        ("/join #tea abcdefghijklmnop", None, "code=abcdefghijklmnop"),
        ("/leave", "#tea", {"type": "leave", "room": "#tea"}),
        ("/members", "#tea", {"type": "members", "room": "#tea"}),
        ("/members #tea @bob", None, {"type": "members", "room": "#tea", "after": "@bob"}),
        ("/invite @bob", "#tea", {"type": "invite", "room": "#tea", "who": "@bob"}),
        ("/unlink abcdefghijklmnop", "#tea", "code=abcdefghijklmnop,uses=0"),
        ("/kick @bob", "#tea", {"type": "kick", "room": "#tea", "who": "@bob"}),
        ("/ban @bob 7d", "#tea", "for_s=604800"),
        ("/ban @bob", "#tea", {"type": "ban", "room": "#tea", "who": "@bob"}),
        ("/unban @bob", "#tea", {"type": "ban", "room": "#tea", "who": "@bob", "remove": True}),
        ("/mute #tea @bob 10m", None, "for_s=600"),
        ("/unmute @bob", "#tea", "type=mute,remove=True"),
        ("/role @bob admin", "#tea", "who=@bob,role=admin"),
        ("/topic All about tea", "#tea", "type=topic,topic=All about tea"),
        ("/title Tea", "#tea", "type=topic,title=Tea"),
        ("/access private", "#tea", "type=topic,access=private"),
        ("/slow 30s", "#tea", "type=topic,slow_s=30"),
        ("/slow", "#tea", "type=topic,slow_s=0"),
        ("/profile", "@bob", {"type": "profiles", "who": ["@bob"]}),
        ("/name Alice A.", None, {"type": "profile", "name": "Alice A."}),
        ("/about out for tea", None, {"type": "profile", "about": "out for tea"}),
        ("/receipts off", None, {"type": "profile", "receipts": False}),
        ("/seen on", None, {"type": "profile", "seen": True}),
        ("/balance", None, {"type": "balance"}),
        ("/devices", None, {"type": "devices"}),
        ("/revoke 0123456789abcdef", None, {"type": "revoke", "device": "0123456789abcdef"}),
        ("/revoke", None, {"type": "revoke"}),
        ("/logout", None, {"type": "logout"}),
    ],
)
def test_a_line_becomes_a_frame_that_the_hub_takes(line, here, frame):
    made = frame_of(line, here)
    if isinstance(frame, str):
        shown = {k: ",".join(v) if isinstance(v, list) else str(v) for k, v in made.items()}
        for part in frame.replace("@all,@al,@carol", "@all+@al+@carol").split(","):
            key, _, value = part.partition("=")
            assert shown[key] == value.replace("+", ",")
    else:
        assert made == frame
    assert as_hub_reads(made | {"id": "1"}).id == "1"


@pytest.mark.parametrize("line", ["/away", "/back"])
def test_presence_has_no_id(line):
    assert as_hub_reads(frame_of(line)).state in ("online", "away")


def test_a_link_has_a_new_code_each_time():
    first, second = (frame_of("/link 5 2h", "#tea") for _ in range(2))
    assert first["code"] != second["code"]
    assert (first["uses"], first["expires_s"]) == (5, 7_200)
    assert as_hub_reads(first | {"id": "1"}).code == first["code"]
    assert as_hub_reads(frame_of("/link #tea") | {"id": "1"}).uses == 1


def test_the_chosen_line_is_meant_unless_another_is_named():
    chosen = ("@alice", "own")
    assert frame_of("/react tada", "@bob", selected=chosen)["ref"] == OWN
    assert frame_of("/react ^3 tada", "@bob", selected=chosen)["ref"] == NEWEST


@pytest.mark.parametrize(
    ("line", "name"), [("/open @bob", "open"), ("/help", "help"), ("/quit\n", "quit")]
)
def test_some_commands_are_done_here(line, name):
    command = parse(line, context())
    assert (command.name, command.frame) == (name, None)


LIKE = "write it like: /pay [@person] 5.00 [USD] [text]"


@pytest.mark.parametrize(
    ("line", "here", "sentence"),
    [
        ("hello", None, "'hello' is not a person like @bob or a room like #general"),
        ("@bob", None, "there is nothing to send"),
        ("   ", "@bob", "there is nothing to send"),
        ("x" * 65_537, "@bob", "a text has at most 65536 characters here"),
        ("/dance", "@bob", "there is no /dance; try /help"),
        ("/pay", None, LIKE),
        ("/pay @bob", None, LIKE),
        ("/pay 5.00", "#tea", f"'5.00' is not a person like @bob; {LIKE}"),
        ("/pay #tea 5.00", None, f"'#tea' is not a person like @bob; {LIKE}"),
        ("/pay @Bob 5.00", None, "'@Bob' is not a person like @bob"),
        ("/pay @bob 5.001", None, "USD has 2 decimals, '5.001' has 3"),
        ("/pay @bob -5", None, "'-5' is not an amount; write it like 12.50"),
        ("/pay @bob 1e3", None, "'1e3' is not an amount; write it like 12.50"),
        ("/pay @bob 0", None, "an amount is more than 0"),
        (
            "/pay @bob 5 XYZ tea",
            None,
            "'XYZ' is no currency; if it is a note, write: /pay @bob 5 USD XYZ",
        ),
        ("/join tea", None, "'tea' is not a room like #general; write it like: /join #room [code]"),
        ("/join", "#tea", "write it like: /join #room [code]"),
        ("/leave", "@bob", "write it like: /leave [#room]"),
        ("/balance now", None, "/balance stands alone"),
        ("/react", "@bob", "write it like: /react [where] [^line] emoji [off]"),
        ("/react odd", "@bob", "'odd' is no emoji; write one, or a name like :heart:"),
        ("/react ^9 tada", "@bob", "there is no such line ^9 in @bob; see /history"),
        ("/react ^x tada", "@bob", "'^x' is not a line like ^12"),
        ("/edit", None, "write it like: /edit [where] [^line] [text]"),
        ("/vanish 2y text", "@bob", "'2y' is not a time like 30s, 10m, 2h or 7d"),
        ("/vanish 0s text", "@bob", "'0s' is not a time like 30s, 10m, 2h or 7d"),
        ("/ban @bob 900d", "#tea", "'900d' is not a time like 30s, 10m, 2h or 7d"),
        (
            "/history #tea 2026-13-01",
            None,
            "'2026-13-01' is not a day like 2026-11-22, or 2026-11-22T14:30",
        ),
        ("/access king", "#tea", "'king' is not public or private or ask; write it like:"
         " /access [#room] public|private|ask"),
        ("/title " + "x" * 65, "#tea", "a text has at most 64 characters here"),
        ("/receipts", None, "write it like: /receipts on|off"),
        ("/join #tea short", None, "'short' is not the code of a link"),
        ("/kick @bob now", "#tea", "write it like: /kick [#room] @person"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_command_says_what_to_write(line, here, sentence):
    with pytest.raises(CommandError) as caught:
        frame_of(line, here)
    assert str(caught.value) == sentence


def test_a_payment_that_cannot_be_is_known_before_it_is_sent():
    check(pay(500), "@alice", 500)
    check(pay(500), "@alice", None)
    with pytest.raises(CommandError, match="more than you have: 4"):
        check(pay(500), "@alice", 499)
    with pytest.raises(CommandError, match="that is you"):
        check(pay(500), "@bob", None)


def test_a_payment_needs_a_currency_from_somewhere():
    with pytest.raises(CommandError, match="name the currency"):
        frame_of("/pay @bob 5.00", currency=None)
    assert frame_of("/pay @bob 5.00 EUR", currency=None) == pay(500, "EUR")


def test_every_command_is_in_the_help_and_tells_what_it_is_for():
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names))
    assert all(row.help for row in ROWS)
    for row in ROWS:
        assert f"/{row.name}" in manual.screen()
        assert (f"/{row.name}" in manual.plain().split()) is not row.screen
    assert max(map(len, manual.screen().splitlines())) <= 68


KNOWN = Known(("@bob", "@bert", "#tea"), ("nord", "gruvbox"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/re", ("/reply", "/react", "/receipts", "/revoke")),
        ("/rea", ("/react",)),
        ("hi @b", ("@bob", "@bert")),
        ("/kick @be", ("@bert",)),
        ("#", ("#tea",)),
        ("/react :hear", (":heart:", ":heart_eyes:")),
        ("it is :viol", (":violin:",)),
        ("/role @bob a", ("admin",)),
        ("/role @bob ", ("owner", "admin", "member", "reader")),
        ("/theme n", ("nord",)),
        ("/search in", ("in:",)),
        ("//re", ()),
        ("hello", ()),
        ("/pay @bob 5 no", ()),
        ("", ()),
    ],
)
def test_completion_offers_commands_people_rooms_emoji_and_choices(line, words):
    assert complete(line, KNOWN).words == words


def test_the_usage_of_the_command_being_typed_is_shown():
    assert complete("/react :he", KNOWN).usage.startswith("/react [where] [^line] emoji [off]")
    assert complete("/react", KNOWN).usage
    assert complete("react", KNOWN).usage == ""


def test_what_all_completions_share_is_typed_first():
    assert complete("/theme ", Known(themes=("nord", "normal"))).shared == "nor"
    assert complete("/rea", KNOWN).shared == "/react "
    assert complete("/search si", KNOWN).shared == "since:"
