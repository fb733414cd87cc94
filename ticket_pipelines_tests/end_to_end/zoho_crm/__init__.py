"""Whole chains of Zoho CRM: from the emulated account to SQL."""
