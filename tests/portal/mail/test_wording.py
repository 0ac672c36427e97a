"""A letter says the same as text and as HTML, and what people wrote in it stays text."""

from portal.mail.wording import Link, Quoted, worded

PARTS = ("Hello <Ann>", Quoted("b & c\n<script>"), Link("Open", "https://portal.example/x?a=1&b=2"))


def test_text_and_html_say_the_same() -> None:
    letter = worded("ann@retailer.example", "News", PARTS, "Lone Star Retail")
    expected = (
        "Hello <Ann>\n\n    b & c\n    <script>\n\nOpen: https://portal.example/x?a=1&b=2\n\n-- \nLone Star Retail\n"
    )
    assert letter.text == expected
    assert letter.html is not None
    assert "Hello &lt;Ann&gt;" in letter.html
    assert "b &amp; c<br>&lt;script&gt;" in letter.html
    assert 'href="https://portal.example/x?a=1&amp;b=2"' in letter.html
    assert "Lone Star Retail" in letter.html
