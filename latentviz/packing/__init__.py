"""Arrays and places as the few bytes that a page in the browser holds them in."""
