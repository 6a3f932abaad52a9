"""What happens at a click, one button a file: a module here with a `button` is found by itself."""
