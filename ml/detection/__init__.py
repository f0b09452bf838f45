"""When something is wrong: rules on signals compiled to SQL, control charts over series, breakdowns, backtests."""
