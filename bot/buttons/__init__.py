"""The buttons on cards: each module here that defines `button` is found by `find_buttons`."""
