"""Who may call: registered clients, and the tokens that prove them."""
