"""Texts of invented tickets, plain ones and those that break careless code."""

from __future__ import annotations

SUBJECTS = (
    "The lamp flickers",
    "Refund for a double payment",
    "No access to the portal",
    "New delivery address",
    "Which filter fits?",
    "Engineer did not show up",
)
BODIES = (
    "<div>Hello,<br /><br />the lamp has flickered since Monday. What can I do?<br /></div>",
    "<div>I was charged twice, please see the copy of my statement.</div>",
    "<div>The portal says that my account is locked. I need it today.</div>",
)
REPLIES = (
    "<div>Thank you, we have ordered a part and will write when it is here.</div>",
    "<div>The second payment goes back to you today.</div>",
)
CUSTOMER_REPLIES = ("<div>Thanks, that helps.</div>", "<div>It still does not work.</div>")
FIRST_NAMES = ("Ana", "Björn", "Chinedu", "Dilara", "Eoin", "Fatou")
LAST_NAMES = ("de Vries", "O'Neill", "Müller", "Nguyễn", "Øster")
ODD = (
    ("Café Zażółć 👩‍👩‍👧 “quotes”", "<div>Emoji 🙈🇳🇱, zero\u200bwidth, tab\there,\r\nDOS line, back\\slash</div>"),
    ("شحنتي لم تصل", "<div dir='rtl'>مرحبا، لم تصل شحنتي 12345 حتى الآن.</div>"),
    ("注文が届きません", "<div>注文番号 10-4482 がまだ届きません。𠮷野家</div>"),
    ("<script>alert('x')</script> & \"NULL\"", '\'; DROP TABLE tickets; -- \\N {"a": [1]} , "b" \t NULL'),
    ("   ", ""),
    ("Long subject " + "lorem ipsum " * 12, "<div>" + "A long text. " * 400 + "</div>"),
)
"""Subject and body."""
