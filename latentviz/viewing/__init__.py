"""A film as a page for the browser, in which every step can be looked at."""
