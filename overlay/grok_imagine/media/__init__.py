"""Input media: reading, encoding, measuring and uploading images and videos."""
