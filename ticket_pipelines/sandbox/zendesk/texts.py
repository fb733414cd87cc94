"""Texts of invented tickets, plain ones and those that break careless code."""

from __future__ import annotations

SUBJECTS = (
    "Where is my order?",
    "Invoice does not add up",
    "Cannot log in since this morning",
    "Delivery address changed",
    "The kettle leaks",
    "Question about the warranty",
    "Wrong size delivered",
    "How do I cancel?",
)
BODIES = (
    "Hello,\n\nI ordered two weeks ago and have heard nothing since. Could you tell me when it will arrive?\n\nThanks!",
    "The total of my invoice is 12.40 too high. Please see the attached copy and send a corrected one.",
    "Each time I enter my password, the page only reloads. I tried another browser, with the same result.",
    "Please send it to my new address instead: Keizersgracht 1, Amsterdam. The old one is no longer valid.",
)
REPLIES = (
    "Thank you for your message. I have passed this on to our warehouse and will write again tomorrow.",
    "I have corrected this for you. You will receive a new invoice within the hour.",
    "Could you tell me the order number? It stands in the confirmation.",
)
CUSTOMER_REPLIES = ("Thanks, that helps.", "It still does not work.", "The number is 10-4482, does that help?")
ODD = (
    (
        "Caf\u00e9 Zażółć \U0001f469\u200d\U0001f469\u200d\U0001f467 \u2013 \u201cquotes\u201d",
        "Emoji 🙈🇳🇱, combining e\u0301 versus \u00e9, zero\u200bwidth, tab\there,\r\nDOS line, back\\slash",
    ),
    ("شحنتي لم تصل", "مرحبا، لم تصل شحنتي 12345 حتى الآن.\u202e right to left mark \u202c وشكرا"),
    ("注文が届きません", "お世話になっております。注文番号 10-4482 がまだ届きません。𠮷野家"),
    ("<script>alert('x')</script> & \"NULL\"", '\'; DROP TABLE tickets; -- \\N {"a": [1]} , "b" \t NULL'),
    ("   ", ""),
    ("Long subject " + "lorem ipsum " * 12, "A long text. " * 400),
)
"""Subject and body."""
