"""Tests of the vendor emulators against the contracts they follow."""
