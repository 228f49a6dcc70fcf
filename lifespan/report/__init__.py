"""From tables to sentences, figures, methods text and one HTML file."""
