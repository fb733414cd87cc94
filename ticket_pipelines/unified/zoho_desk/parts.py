"""What several mappings of Zoho Desk share: the parts that records refer to."""

from __future__ import annotations

import msgspec

VENDOR = "zoho_desk"


class Company(msgspec.Struct, gc=False):
    """The account of a contact, in short."""

    id: str | int | None = None


class Person(msgspec.Struct, gc=False, rename="camel"):
    """A contact, agent or author, in short; which names its address has depends on where it stands."""

    id: str | int | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    email_id: str | None = None
    phone: str | None = None
    mobile: str | None = None
    type: str | None = None
    account: Company | None = None

    @property
    def key(self) -> str | None:
        """The id as text."""
        return None if self.id is None else str(self.id)

    @property
    def full_name(self) -> str | None:
        """The name, made of its parts where it is not given."""
        return self.name or full_name(self.first_name, self.last_name)

    @property
    def address(self) -> str | None:
        """The e-mail address."""
        return self.email if self.email is not None else self.email_id

    @property
    def author_type(self) -> str | None:
        """agent, contact or system; None where the record does not say."""
        return _AUTHORS.get((self.type or "").upper())


_AUTHORS = {"AGENT": "agent", "END_USER": "contact", "ENDUSER": "contact", "CONTACT": "contact", "SYSTEM": "system"}


def full_name(first: str | None, last: str | None) -> str | None:
    """First and last name in one; None where there is neither."""
    return " ".join(part for part in (first, last) if part) or None
