"""How requests leave and answers come in: the package that knows the HTTP library."""
