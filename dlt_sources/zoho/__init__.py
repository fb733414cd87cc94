"""What Zoho's products share: data centres, OAuth by refresh token, the form of configuration and credentials."""
