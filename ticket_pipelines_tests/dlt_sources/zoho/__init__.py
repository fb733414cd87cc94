"""The source of Zoho CRM."""
