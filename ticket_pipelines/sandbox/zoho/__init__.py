"""What the emulated products of Zoho share: the accounts server with its tokens, and API credits."""
