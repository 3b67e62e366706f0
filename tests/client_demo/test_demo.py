"""`make demo` from start to end: its own hub, its own store, and the books."""

from client_demo import demo


async def test_the_demo_plays_and_the_books_balance(capsys):
    assert await demo.main() == 0, capsys.readouterr().err
    out = capsys.readouterr().out
    assert "her words are a request, which he accepts" in out
    assert "@bob  Two of them, 12.00 USD each. (edited)  ✓  🎻" in out
    assert "not done: there is not enough money" in out
    assert "paid exactly once" in out
    assert "[@alice 84.50 USD]   [@bob 115.50 USD]" in out
    assert "@alice pays 8.00 USD to @dave  the taxi  →  on its way to @dave" in out
    assert "@alice paid 8.00 USD to @dave  the taxi  ✓" in out
    assert "accepted at once, then settled" in out
    assert "[@alice 76.50 USD]   [@dave 108.00 USD]" in out
