"""The one door for HTTP answers: they become plain, bounded values, or an error."""
