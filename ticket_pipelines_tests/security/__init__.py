"""What an attacker tries: addresses that lead elsewhere, secrets in the open, keys that change under way."""
