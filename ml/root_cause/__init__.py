"""Why customers are unhappy: topics, the theme registry, the cause classifier and severity."""
