"""What a person sees on a terminal: lines of text with styles, as wide as there is room."""
