"""Tests of the Zendesk source."""
