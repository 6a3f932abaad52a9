"""The pages that people see: their templates, styles and what fills them."""
