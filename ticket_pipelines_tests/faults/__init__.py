"""What goes wrong at a vendor and around us: a sync ends complete, or says what is missing, and nothing is lost."""
