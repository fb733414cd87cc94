"""Texts of invented cases, plain ones and those that break careless code."""

from __future__ import annotations

TITLES = ("Connection Issue", "No signal at the ONT", "New installation", "Move of premises", "Billing query", "")
"""The last one: many cases have only a reference."""
CATEGORIES = (
    "Connectivity::ONT/Gizzu",
    "Connectivity|Fibre break",
    "Maintenance::Follow-up",
    "Installation::New",
    "Query",
    None,
)
"""Category and subcategory in one text, parted in two ways (section 2.2)."""
DESCRIPTIONS = (
    "The red light is on since Monday.",
    "Customer asks for a date.\r\nCall before you come.",
    'Café Zażółć 👩‍👩‍👧 “quotes” & <b>tags</b> \\ "NULL"',
    "注文が届きません 𠮷野家",
    "",
    None,
)
ADDRESSES = ("12 Vine Street, Cape Town", "7 Øster Allé", None)
NOTES = ("Technician is on the way.", "Waiting for a part ☕", "Called, no answer.")
MESSAGES = ("<p>It still does not work.</p>", "<div>Thank you, that <b>helped</b>.</div>")
PEOPLE = ("Ann Admin", "Ben Bakker", "Chloé Şahin", "Thandi Mokoena")
CUSTOMERS = ("Ana de Vries", "Björn O'Neill", "Nguyễn Müller", "Dilara Øster", "Fatou", "Zoë van der Merwe")
JOB_TYPES = {"new_installation": "New installation", "fault": "Fault", "follow_up": "Follow-up"}
